"""Who the people are: identity at the scale of the body, of clothes, and of small details.

Lengths are in units: a person is 1000 units tall, and at 64x32 a unit is about 1/18 pixel.
Twins are two people of one family. They share body, clothes, patterns and the kind of bag, and
differ in small details alone: in a feature of the head or the feet, which shows from all sides,
and in one or more of logo, belt and bag colour.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from nas.data.random_bits import integers, weighted
from nas.data.synthetic.colours import (
    ACCENTS,
    CLOTHES,
    HAIR,
    LEATHER,
    SKIN,
    TROUSERS,
    Colours,
    choose_apart,
)

Ints = NDArray[np.int64]

_OUTFITS = 40

PLAIN, HOOPS, STRIPES, CHECKS, DIAGONAL, BAND, YOKE = range(7)
TROUSERS_LONG, SHORTS, SKIRT, LONG_SKIRT = range(4)
NO_BAG, BACKPACK, SHOULDER_BAG, HANDBAG = range(4)
SHORT_HAIR, LONG_HAIR, BUN, AFRO, CAP = range(5)
SQUARE, DISC, BAR, CROSS, TRIANGLE, DIAMOND, TWO_BARS, UPRIGHT = range(8)


@dataclass(frozen=True, eq=False)
class People:
    """n people: every field is int64, (n,) or, for colours, (n, 3)."""

    # Body: half widths in units; stature in thousandths of the mean.
    stature: Ints
    head: Ints
    shoulder: Ints
    waist: Ints
    hip: Ints
    leg: Ints
    arm: Ints
    skin: Colours
    # Clothes.
    top: Colours
    top_hem: Ints
    sleeve_hem: Ints
    sleeve: Colours
    bottom: Colours
    bottom_kind: Ints
    open_jacket: Ints
    inner: Colours
    # Patterns and bags.
    pattern: Ints
    period: Ints
    second: Colours
    side_stripe: Ints
    bag: Ints
    # Small details.
    bag_colour: Colours
    hair_style: Ints
    hair: Colours
    cap: Colours
    shoes: Colours
    shoe_top: Ints
    belt: Ints
    belt_colour: Colours
    logo: Ints
    logo_x: Ints
    logo_y: Ints
    logo_colour: Colours
    back_print: Ints

    def take(self, indices: Ints) -> "People":
        """Return the people at `indices`, in that order."""
        return People(**{f.name: getattr(self, f.name)[indices] for f in fields(self)})


def _changes(family: Ints, twin: Ints, bag: Ints, seed: int) -> dict[str, Ints]:
    """How far a twin's detail is from its leader's, for each detail; 0 where it is the same.

    Of hair and shoes one differs, sometimes both; of logo, belt and bag colour one to three do.
    Who has no bag differs in the logo instead.
    """
    far_seen = weighted([3, 3, 2], seed, "twin head and feet", family)
    near_seen = weighted([4, 1, 1, 2, 2, 1], seed, "twin chest", family)
    changed = {
        "hair": far_seen != 1,
        "shoes": far_seen != 0,
        "logo": ~np.isin(near_seen, (1, 2)) | ((near_seen == 2) & (bag == NO_BAG)),
        "belt": np.isin(near_seen, (1, 3, 5)),
        "bag": np.isin(near_seen, (2, 4, 5)),
    }
    return {
        name: np.where(mask, integers(1, 4, seed, "twin step", name, family), 0) * twin
        for name, mask in changed.items()
    }


def make_people(family: Ints, twin: Ints, seed: int) -> People:
    """Make the people of the given families, (n,); twin is 1 for the second of a pair, else 0."""

    def number(low: int, high: int, name: str) -> Ints:
        return integers(low, high, seed, name, family)

    def one_of(weights: list[int], name: str) -> Ints:
        return weighted(weights, seed, name, family)

    bag = one_of([4, 3, 2, 2], "bag")
    change = _changes(family, twin, bag, seed)
    # Few outfits, so that many families share the colours of their clothes.
    outfit = number(0, _OUTFITS, "outfit")

    def worn(weights: list[int], name: str) -> Ints:
        return weighted(weights, seed, name, outfit)

    build = number(-14, 15, "build")
    top = CLOTHES[worn([1] * len(CLOTHES), "top")]
    bottom = TROUSERS[worn([1] * len(TROUSERS), "bottom")]
    second = choose_apart(CLOTHES, top, 0 * family, seed, "second", family)
    raglan = (one_of([4, 1], "raglan") == 1)[:, None]
    hair_kind = number(0, len(HAIR), "hair colour") + change["hair"]
    cap_kind = number(0, len(LEATHER), "cap colour") + change["hair"]
    hair_style = one_of([5, 4, 2, 1, 3], "hair style")
    restyled = (change["hair"] > 0) & (number(0, 2, "hair restyled") == 1)
    logo_place = number(0, 4, "logo place")
    belt = one_of([2, 1], "belt")
    return People(
        stature=number(940, 1041, "stature"),
        head=number(56, 66, "head"),
        shoulder=number(130, 160, "shoulder") + build,
        waist=number(94, 120, "waist") + build,
        hip=number(100, 126, "hip") + build,
        leg=number(38, 48, "leg") + build // 3,
        arm=number(28, 36, "arm") + build // 4,
        skin=SKIN[number(0, len(SKIN), "skin")],
        top=top,
        top_hem=np.array([470, 515, 640])[worn([3, 4, 2], "top hem")],
        sleeve_hem=np.array([290, 475])[worn([2, 3], "sleeve hem")],
        sleeve=np.where(raglan, second, top),
        bottom=bottom,
        bottom_kind=worn([6, 2, 2, 1], "bottom kind"),
        open_jacket=one_of([4, 1], "open jacket"),
        inner=choose_apart(CLOTHES, top, 0 * family, seed, "inner", family),
        pattern=one_of([2, 3, 3, 3, 3, 1, 1], "pattern"),
        period=np.array([56, 100, 180, 320])[number(0, 4, "period")],
        second=second,
        side_stripe=one_of([5, 1], "side stripe"),
        bag=bag,
        bag_colour=choose_apart(LEATHER, top, change["bag"], seed, "bag colour", family),
        hair_style=(hair_style + restyled * twin * number(1, 5, "new style")) % 5,
        hair=HAIR[hair_kind % len(HAIR)],
        cap=LEATHER[cap_kind % len(LEATHER)],
        shoes=choose_apart(LEATHER, bottom, change["shoes"], seed, "shoes", family),
        shoe_top=np.array([945, 925, 860])[one_of([3, 2, 1], "shoe top")],
        belt=np.where(change["belt"] > 1, 1 - belt, belt | (change["belt"] > 0)),
        belt_colour=choose_apart(LEATHER, top, change["belt"], seed, "belt colour", family),
        logo=(number(0, 8, "logo") + 3 * change["logo"]) % 8,
        logo_x=np.array([0, 48, -48, 0])[(logo_place + change["logo"]) % 4],
        logo_y=np.array([275, 262, 262, 350])[(logo_place + change["logo"]) % 4],
        logo_colour=choose_apart(ACCENTS, top, change["logo"], seed, "logo colour", family),
        back_print=one_of([3, 2], "back print"),
    )

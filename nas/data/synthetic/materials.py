"""What a point of a drawing is made of."""

from enum import IntEnum


class Material(IntEnum):
    """Materials of a drawing; BACKGROUND is what was not drawn on."""

    BACKGROUND = 0
    SKIN = 1
    HAIR = 2
    CAP = 3
    TOP = 4
    SECOND = 5
    SLEEVE = 6
    INNER = 7
    BOTTOM = 8
    SHOES = 9
    BELT = 10
    LOGO = 11
    BAG = 12
    DARK = 13
    COVER = 14

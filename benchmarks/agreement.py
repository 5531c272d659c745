"""Exact cost against fvcore's conv + linear and the parameter count, on random architectures.

    python benchmarks/agreement.py --count 500

Every shipped space, and a space for each block family, at 64x32 (fvcore runs the network). Exits
with 1 at the first disagreement.
"""

from __future__ import annotations

import argparse
import sys
import time

from nas.architecture import Size, families
from nas.cost import cost, raw_counts
from nas.models import build
from nas.seeds import drawer
from nas.space import Space, from_yaml, load_space, shipped_spaces

FIELDS = {
    "osnet": "stages[each].streams: 1..4\n  stages[each].stream_depth: [0, 2]\n"
    "  stages[each].instance_norm: [none, inside, outside, both]\n"
    "  stages[*].gate: [none, fixed, streamwise, separate, unified]",
    "inception": "stages[each].bottleneck: [2, 4, 8]",
    "resnext": "stages[each].cardinality: [1, 4, 8, 16, 32]\n  stages[each].bottleneck: [2, 4]",
    "se": "stages[each].reduction: [0, 4, 16]\n  stages[each].bottleneck: [2, 4]",
}


def family_space(family: str) -> Space:
    return from_yaml(
        f"space: {family}\nbase: osnet_x0_25\ninput: 64x32\nparameters:\n"
        f"  stages[*].family: {family}\n  width: [0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0]\n"
        f"  stages[each].depth: [1, 2]\n  stem.kind: [conv7, conv3]\n  {FIELDS[family]}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    count = parser.parse_args().count
    spaces = [load_space(name) for name in shipped_spaces()]
    spaces += [family_space(family) for family in families if family in FIELDS]
    for space in spaces:
        draw, started = drawer("agreement", space.name), time.time()
        for _ in range(count):
            architecture = space.architecture(space.sample(draw)).resized(Size(64, 32))
            model, exact = build(architecture), cost(architecture)
            fvcore = raw_counts(model, ["fvcore"])["fvcore"]
            params = sum(p.numel() for p in model.parameters())
            if (exact.macs, exact.params) != (fvcore["conv_linear"], params):
                print(f"{space.name}: {exact} but {fvcore} and {params} parameters: {architecture}")
                sys.exit(1)
        print(f"{space.name}: {count} of {count} agree, {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()

"""A drawing of one network for the terminal: its parts, the streams of its blocks, what they cost.

`describe` gathers what there is to say as plain data, from the layers; `draw` lays that out.
Families that have no diagram are told in words. Print a drawing with
`console.print(text, soft_wrap=True)`, so that its lines stay lines.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.text import Text

from nas.architecture import (
    Architecture,
    Block,
    Layer,
    Part,
    Placed,
    Stage,
    key,
    lower,
    to_document,
)
from nas.architecture.value import STAGE_FIELDS
from nas.cost.exact import cost, part_cost
from nas.cost.receptive import named_fields, part_field, receptive_fields, stream_fields
from nas.report.words import compact

COLUMNS = 100
BAR = 6  # cells of the longest bar
HEADINGS = ("output", "macs", "share", "", "params", "sees")
LEGEND = """
sees    side of the square of the image, in pixels, that one value of the output
        depends on, padding included and gates left out; "all": the whole image
3x3 ─   beside a stream: the square of the block's input that it sees
"""


def describe(architecture: Architecture) -> dict[str, Any]:
    """Plain data: input, width, key, cost, stem, stages (blocks, transition), head, embedding.

    Each part has its name, output (channels, height, width), macs and their share of the total,
    params, receptive_field (pixels of the image, one side; from the head on the image's longer
    side), the number of its layers, and `steps`, its convolutions and pools in words. A block has
    besides `fields`, `sees` (receptive field in its own input) and `streams` (the same of each
    stream, empty without parallel streams); one of the osnet family also what its diagram shows.
    """
    total, reach = cost(architecture), receptive_fields(architecture)
    parts: dict[str, dict[str, Any]] = {}
    placed_at = {placed.name: placed for placed in lower(architecture)}
    for name, placed in placed_at.items():
        own = part_cost(placed.part)
        parts[name] = {
            "part": name,
            "output": list(placed.part.output),
            "macs": own.macs,
            "share": own.macs / total.macs if total.macs else 0.0,
            "params": own.params,
            "receptive_field": reach[name],
            "layers": len(placed.part.layers),
            "steps": _steps(placed.part.layers),
        }
    stages = []
    for i, stage in enumerate(architecture.stages):
        names = [f"stages[{i}].blocks[{j}]" for j in range(stage.depth)]
        for j, name in enumerate(names):
            parts[name] |= _block(placed_at[name], stage.block_at(j))
        stages.append(
            {
                "stage": f"stages[{i}]",
                "family": stage.block.family,
                "depth": stage.depth,
                "channels": parts[names[-1]]["output"][0],
                "map": parts[names[-1]]["output"][1:],
                "blocks": [parts[name] for name in names],
                "transition": parts.get(f"stages[{i}].transition"),
            }
        )
    return {
        "input": str(architecture.input),
        "width": architecture.width,
        "key": key(architecture),
        **total.as_dict(),
        "stem": parts["stem"] | {"kind": architecture.stem, "norm": architecture.stem_norm},
        "stages": stages,
        "head": parts["head"],
        "embedding": parts["embedding"],
    }


def draw(architecture: Architecture) -> Text:
    """The network from the image to the embedding, legible without colour, 100 columns at most."""
    found = describe(architecture)
    page = _Page()
    page.line(
        f"input {found['input']}   width {found['width']:g}   "
        f"{compact(found['macs'])} macs   {compact(found['params'])} params   key {found['key']}",
        "bold",
    )
    page.headings()
    page.row("stem", found["stem"])
    if found["stem"]["norm"] != "batch":
        page.line(f"    {found['stem']['norm']} norm", "cyan")
    for stage in found["stages"]:
        page.line("")
        height, width = stage["map"]
        blocks = f"{stage['family']}, {stage['depth']} block{'s' * (stage['depth'] > 1)}"
        page.line(f"{stage['stage']}   {stage['channels']} x {height}x{width}   {blocks}", "bold")
        _draw_blocks(page, stage["blocks"])
        if stage["transition"]:
            page.row("  transition", stage["transition"])
    page.line("")
    for name in ("head", "embedding"):
        page.row(name, found[name] | {"receptive_field": "all"})
    for text in LEGEND.splitlines():
        page.line(text, "dim")
    return page.text()


def _draw_blocks(page: _Page, blocks: Sequence[dict[str, Any]]) -> None:
    """Blocks in a row that look the same are drawn once; those that are the same share a row."""
    drawn = [tuple(DIAGRAMS.get(block["fields"]["family"], _in_words)(block)) for block in blocks]
    numbered = list(enumerate(blocks))
    for picture, alike in groupby(numbered, key=lambda item: drawn[item[0]]):
        page.line("    " + picture[0], "cyan")
        for text in picture[1:]:
            page.line("    " + text)
        for _, same in groupby(alike, key=lambda item: _apart_from_place(item[1])):
            members = list(same)
            (first, block), (last, final) = members[0], members[-1]
            count, label = len(members), f"  blocks[{first}]"
            notes = ["+ 1x1 of input"] if block.get("projected") else []
            if count > 1:
                label = f"  blocks[{first}-{last}]"
                notes.append(f"{count} together")
            together = {name: block[name] * count for name in ("macs", "share", "params")}
            page.row(label, final | together | {"steps": notes})


def _apart_from_place(block: Mapping[str, Any]) -> dict[str, Any]:
    return {name: v for name, v in block.items() if name not in ("part", "receptive_field")}


def _block(placed: Placed, block: Block) -> dict[str, Any]:
    part, fields = placed.part, _fields(block)
    found = {"fields": fields, "sees": part_field(part), "streams": stream_fields(part)}
    if block.family != "osnet":
        return found
    if fields["streams"] > 1:  # a fusion of a plug-in may join more than the streams
        names = [f"conv2{letter}" for letter in "abcdef"[: fields["streams"]]]
        found["streams"] = named_fields(part, names) or found["streams"]
    return found | _osnet_figures(part)


def _fields(block: Block) -> dict[str, Any]:
    """Every field that the block reads, `family` first."""
    document = to_document(Architecture((Stage(1, block=block),)))["stages"][0]
    return {name: value for name, value in document.items() if name not in STAGE_FIELDS}


def _osnet_figures(part: Part) -> dict[str, Any]:
    named = {layer.name: layer for layer in part.layers if layer.name}
    first_stream = tuple(x for name, x in named.items() if name.startswith("conv2a"))
    squeezed = [
        layer.shape[0]
        for layer in part.layers
        if layer.op == "conv"
        and layer.inputs[0] >= 0
        and part.layers[layer.inputs[0]].op == "global_pool"
    ]
    return {
        "stream_channels": named["conv1.conv"].shape[0],
        "stream_layer": _steps(first_stream),
        "gate_hidden": squeezed[0] if squeezed else None,
        "projected": "downsample.conv" in named,
    }


def _osnet(block: Mapping[str, Any]) -> list[str]:
    """The streams side by side, ▣ for a 3x3 layer, ◇ where a gate weighs."""
    fields = block["fields"]
    count, gate, middle = fields["streams"], fields["gate"], (fields["streams"] - 1) // 2
    hidden = f" ({block['gate_hidden']} hidden)" if block["gate_hidden"] else ""
    caption = f"▣ {fields['convolution']} ({', '.join(block['stream_layer'])})"
    caption += "   no gate" if gate == "none" else f"   ◇ {gate} gate{hidden}"
    if fields["instance_norm"] != "none":
        caption += f"   instance norm {fields['instance_norm']}"
    sees = block["streams"] if len(block["streams"]) == count else [""] * count
    if count == 1:
        sees = [block["sees"]]
    squares = [f"{n}x{n}" if n else "" for n in sees]
    wide = max(map(len, squares))
    before = f"1x1 → {block['stream_channels']} ──"
    after = f"── 1x1 → {block['output'][0]} ── + input"
    lines = [caption]
    depths = stream_depths(fields)
    for t in range(count):
        stream = "─".join("▣" * depths[t])
        stream += " " + "─" * (2 * (max(depths) - depths[t]) + 1) + f" {squares[t]:>{wide}} ─"
        stream += "─" if gate == "none" else "◇"
        if count == 1:
            lines.append(f"{before}─ {stream}{after}")
            continue
        start, end = before if t == middle else " " * len(before), ""
        if t == middle:
            end = f"── {fields['fusion']} {after}"
        left, right = _corner(t, count, t == middle)
        lines.append(f"{start}{left}─ {stream}─{right}{end}")
    return lines


def stream_depths(fields: Mapping[str, Any]) -> list[int]:
    """Layers of each stream of a block of the osnet family."""
    return [fields["stream_depth"] or t + 1 for t in range(fields["streams"])]


def _corner(t: int, count: int, middle: bool) -> tuple[str, str]:
    """Where stream t leaves the 1x1 and where it meets the others."""
    if t == 0:
        return ("┬", "┬") if middle else ("┌", "┐")
    if t == count - 1:
        return "└", "┘"
    return ("┼", "┼") if middle else ("├", "┤")


def _in_words(block: Mapping[str, Any]) -> list[str]:
    """A family without a diagram: its fields, layers, and what they see."""
    fields = dict(block["fields"])
    family = fields.pop("family")
    own = ", ".join(f"{name} {value}" for name, value in fields.items()) or "no fields"
    shape = f"{block['layers']} layers, sees {block['sees']}x{block['sees']} of its input"
    if block["streams"]:
        shape += "; streams see " + ", ".join(f"{n}x{n}" for n in block["streams"])
    lines = textwrap.wrap(f"{family}: {own}", COLUMNS - 20, subsequent_indent="  ")
    lines += textwrap.wrap(shape, COLUMNS - 20, subsequent_indent="  ")
    return lines


DIAGRAMS: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {"osnet": _osnet}


def _steps(layers: Sequence[Layer]) -> list[str]:
    """Convolutions, pools and linear layers in words: `7x7 /2`, `max 3x3 /2`, `depthwise 3x3`."""
    found = []
    for layer in layers:
        if layer.op in ("conv", "max_pool", "avg_pool"):
            kernel, stride = layer.get("kernel"), layer.get("stride")
            word = {"max_pool": "max ", "avg_pool": "mean "}.get(layer.op, "")
            if layer.op == "conv" and (groups := layer.get("groups")) > 1:
                depthwise = groups == layer.get("inputs") == layer.get("outputs")
                word = "depthwise " if depthwise else f"{groups} groups "
            spread = f" dilated {own}" if (own := layer.dilation()) > 1 else ""
            found.append(f"{word}{kernel}x{kernel}{spread}" + (f" /{stride}" if stride > 1 else ""))
        elif layer.op == "global_pool":
            found.append("mean of all")
        elif layer.op == "linear":
            found.append("linear")
    return found


class _Page:
    """Lines of the drawing; the figures of all rows stand in the same columns."""

    def __init__(self) -> None:
        self._items: list[Text | tuple[str, tuple[str, ...]]] = []
        self._shares: dict[int, float] = {}  # of the rows, by their place among the items

    def line(self, content: str, style: str = "") -> None:
        text = Text(content, style)
        if not style:
            text.highlight_regex("▣", "cyan")
            text.highlight_regex("◇", "yellow")
        self._items.append(text)

    def headings(self) -> None:
        self._items.append(("", HEADINGS))

    def row(self, label: str, part: Mapping[str, Any]) -> None:
        """A part and its figures; its steps only where they are few."""
        steps = ", ".join(part["steps"])
        if len(steps) > 22:
            steps = f"{part['layers']} layers"
        cells = (
            "x".join(map(str, part["output"])),
            compact(part["macs"]),
            f"{part['share']:.1%}",
            "",
            compact(part["params"]),
            str(part["receptive_field"]),
        )
        self._shares[len(self._items)] = part["share"]
        self._items.append((f"{label:13} {steps}".rstrip(), cells))

    def text(self) -> Text:
        rows = [item for item in self._items if not isinstance(item, Text)]
        first = max(len(label) for label, _ in rows)
        widths = [max(len(cells[i]) for _, cells in rows) for i in range(len(HEADINGS))]
        widths[HEADINGS.index("")] = BAR
        longest = max(self._shares.values()) or 1.0
        lines = []
        for place, item in enumerate(self._items):
            if isinstance(item, Text):
                line = item
            else:
                label, cells = item
                line = Text(f"{label:{first}}", style="dim" if cells is HEADINGS else "")
                for heading, cell, wide in zip(HEADINGS, cells, widths, strict=True):
                    if heading:
                        line.append(f"  {cell:>{wide}}")
                    else:
                        bar = _bar(self._shares.get(place, 0.0) / longest)
                        line.append(f"  {bar:{wide}}", style="cyan")
            line.rstrip()
            line.truncate(COLUMNS, overflow="ellipsis")
            lines.append(line)
        return Text("\n", no_wrap=True, overflow="ignore").join(lines)


def _bar(fraction: float) -> str:
    """Up to BAR cells, in eighths; at least a sliver for what is not nothing."""
    eighths = round(fraction * BAR * 8)
    if fraction > 0:
        eighths = max(eighths, 1)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()

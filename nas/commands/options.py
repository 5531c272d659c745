"""Options that several verbs share."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from nas.data.spec import usages
from nas.errors import UserError

if TYPE_CHECKING:
    from nas.search.executor import Cluster


def cluster(
    executor: str, address: str | None, cpus: float | None, gpus: float | None
) -> Cluster | None:
    """The cluster that the options name; None is this machine."""
    from nas.search.executor import Cluster

    if executor == "ray":
        return Cluster(address, 1.0 if cpus is None else cpus, gpus)
    if executor != "local":
        raise UserError(f"--executor: {executor!r} is not local or ray")
    for option, value in (("address", address), ("cpus-per-job", cpus), ("gpus-per-job", gpus)):
        if value is not None:
            raise UserError(f"--{option} is of a cluster: give --executor ray too")
    return None


def _load(paths: list[str] | None) -> list[str]:
    from nas.plugins import load_plugin

    for path in paths or []:
        load_plugin(path)
    return paths or []


Plugins = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        help="A Python file that registers blocks, losses, augmentations or data sets. It is run: "
        "give only what you trust.",
        callback=_load,
        is_eager=True,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Tell no progress, only the result.")]
Recipe = Annotated[str, typer.Option(help="Name of a shipped recipe, or a YAML file.")]
SearchRecipe = Annotated[
    str | None,
    typer.Option(
        help="Name of a shipped recipe, or a YAML file; else quick-reid, or quick for classes."
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A field of the recipe; may be repeated."),
]
Eta = Annotated[
    float,
    typer.Option(
        help="Of so many that a rung scored, one is trained on; with ehvi, which weighs them "
        "itself, once nothing new can be begun."
    ),
]
GrowthMin = Annotated[
    float,
    typer.Option(
        help="End before the budget does, once ehvi expects less than this share more hypervolume "
        "of a new trial, as 0.005."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Jobs side by side; by default one a core, at most 8, or one a GPU, or "
        "what a cluster has room for."
    ),
]
Executor = Annotated[
    str, typer.Option(help="Where jobs run: local (processes of this machine), or ray (a cluster).")
]
Address = Annotated[
    str | None,
    typer.Option(help="HOST:PORT of the Ray cluster; by default RAY_ADDRESS, or this machine's."),
]
CpusPerJob = Annotated[
    float | None, typer.Option(help="Cores that a job takes on the Ray cluster; by default 1.")
]
GpusPerJob = Annotated[
    float | None,
    typer.Option(help="GPUs that a job takes there, as 0.25; by default 1 where there are any."),
]
SpentAtMost = Annotated[
    str | None, typer.Option(help="What to spend at most (1h, 300epochs, 2PMAC); by default any.")
]
FirstSeed = Annotated[int, typer.Option(min=0, help="The first seed; others follow from it.")]
Out = Annotated[str | None, typer.Option(help="The run's directory; by default below results/.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Delete the run that is there first.")]
Constraints = Annotated[
    list[str] | None,
    typer.Option(
        "--constraint",
        help="What architectures must satisfy besides what the space says, as 'macs <= 10M'; may "
        "be repeated.",
    ),
]
RunArgument = Annotated[str, typer.Argument(help="A run's directory.")]
SpaceArgument = Annotated[str, typer.Argument(help="Name of a shipped space, or a YAML file.")]
Target = Annotated[
    str,
    typer.Argument(
        help="A preset, an architecture file, the network of a .safetensors file, SPACE@seed, or "
        "RUN#trial."
    ),
]
Trained = Annotated[
    str,
    typer.Argument(
        metavar="CHECKPOINT",
        help="A self-contained .safetensors file, a trial, RUN#trial, or what `export` wrote as "
        ".onnx or .pt, which is run as it is.",
    ),
]
WithLayers = Annotated[
    str,
    typer.Argument(
        metavar="CHECKPOINT", help="A self-contained .safetensors file, or a trial, RUN#trial."
    ),
]


class MetricName(StrEnum):
    """How embeddings are compared."""

    cosine = "cosine"
    euclidean = "euclidean"


Metric = Annotated[MetricName, typer.Option(help="How embeddings are compared.")]
Rerank = Annotated[
    bool, typer.Option("--rerank", help="Re-identification by k-reciprocal neighbours.")
]
Flip = Annotated[
    bool, typer.Option("--flip", help="Average the embeddings of an image and its mirror's.")
]
InputSize = Annotated[
    str | None, typer.Option(help="Input size, HEIGHTxWIDTH in pixels; by default its own.")
]
Setting = Annotated[
    str,
    typer.Option(
        help="How latency is measured: torch (the module), frozen or onnxruntime, then, after a "
        "colon, any of threads=1, batch=1, precision=float32 and device=cpu, joined with commas."
    ),
]
DATA_HELP = f"Data set: {usages()}."
Data = Annotated[str, typer.Option(help=DATA_HELP)]
DataArgument = Annotated[str, typer.Argument(help=DATA_HELP)]


def formats(png: bool, svg: bool, pdf: bool) -> list[str]:
    """Of the images that were asked for, the formats."""
    return [name for name, asked in (("png", png), ("svg", svg), ("pdf", pdf)) if asked]


Png = Annotated[bool, typer.Option("--png", help="Write the figure as PNG too (needs Chrome).")]
Svg = Annotated[bool, typer.Option("--svg", help="Write the figure as SVG too (needs Chrome).")]
Pdf = Annotated[bool, typer.Option("--pdf", help="Write the figure as PDF too (needs Chrome).")]

"""What a latency is measured on: a network made ready to run in one setting."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from nas.cost.measure import processor
from nas.errors import UserError

if TYPE_CHECKING:
    from nas.models.network import Network

BACKENDS = {
    "torch": "the module in eval mode, NCHW",
    "frozen": "batch norms folded, channels_last, traced and frozen",
    "onnxruntime": "batch norms folded, as ONNX, on the CPU",
}
PRECISIONS = ("float32", "bfloat16")
USAGE = "threads=NUMBER, batch=NUMBER, precision=float32|bfloat16, device=cpu|cuda"


@dataclass(frozen=True)
class Setting:
    """How a network is run. threads: 0 is as many as torch takes. device: cpu or cuda."""

    backend: str = "frozen"
    threads: int = 0
    batch: int = 1
    precision: str = "float32"
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, valid in (
            ("backend", tuple(BACKENDS)),
            ("precision", PRECISIONS),
            ("device", ("cpu", "cuda")),
        ):
            if getattr(self, name) not in valid:
                raise UserError(f"{name}: {getattr(self, name)!r} is not one of {', '.join(valid)}")
        if self.threads < 0 or self.batch < 1:
            raise UserError(f"threads {self.threads} and batch {self.batch} must be positive")
        if self.backend == "onnxruntime" and (self.device, self.precision) != ("cpu", "float32"):
            raise UserError("onnxruntime is measured in float32 on the cpu only")

    @classmethod
    def parse(cls, text: str) -> Setting:
        """Read `frozen:threads=1,batch=8`; UserError says what is valid."""
        backend, _, rest = text.strip().partition(":")
        given: dict[str, Any] = {}
        for part in rest.split(",") if rest else ():
            name, _, value = (piece.strip() for piece in part.partition("="))
            if name in given or name not in ("threads", "batch", "precision", "device"):
                raise UserError(f"setting {text!r}: {part!r} is not one of {USAGE}")
            whole = name in ("threads", "batch")
            if whole and not re.fullmatch(r"[0-9]{1,6}", value):
                raise UserError(f"setting {text!r}: {name}={value} is not a whole number")
            given[name] = int(value) if whole else value
        return cls(backend, **given)

    def check_device(self) -> None:
        """UserError where there is none."""
        import torch

        if self.device == "cuda" and not torch.cuda.is_available():
            raise UserError("device: there is no GPU that torch can use")

    def record(self) -> dict[str, Any]:
        """The setting in full, with the device and the library by name: plain data.

        UserError where there is no such device.
        """
        import torch

        self.check_device()
        machine = torch.cuda.get_device_name() if self.device == "cuda" else processor()
        library = f"torch {torch.__version__}"
        if self.backend == "onnxruntime":
            from nas.models import onnx

            library = f"onnxruntime {onnx.library('onnxruntime').__version__}"
        return asdict(self) | {
            "threads": self.threads or torch.get_num_threads(),
            "memory_format": "channels_last" if self.backend == "frozen" else "nchw",
            "machine": machine,
            "library": library,
        }


def ready(model: Network, setting: Setting) -> Callable[[], object]:
    """A function that computes one batch of random images, and returns when it is done.

    The number of threads is the caller's matter (`threads`), but for onnxruntime.
    """
    import torch

    setting.check_device()
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(setting.batch, *model.input_shape, generator=generator)
    if setting.backend == "onnxruntime":
        from nas.models.onnx import session, to_onnx

        opened, fed = session(to_onnx(model), setting.threads), {"images": images.numpy()}
        return lambda: opened.run(None, fed)
    dtype = getattr(torch, setting.precision)
    images = images.to(setting.device, dtype)
    model = model.to(setting.device, dtype).eval()
    if setting.backend == "frozen":
        from nas.models.optimise import optimise

        run: Any = optimise(model, batch=setting.batch)
        images = images.to(memory_format=torch.channels_last)
    else:
        run = model

    def once() -> None:
        with torch.inference_mode():
            run(images)
            if setting.device == "cuda":
                torch.cuda.synchronize()

    return once


@contextmanager
def threads(setting: Setting) -> Iterator[None]:
    """Within it torch computes with the setting's number of threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(setting.threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)

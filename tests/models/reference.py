"""An independent re-statement of torchreid's OSNet, IBN and AIN: modules, names and forward."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

AIN_PLACES = ((True, True), (False, True), (True, False))


def unit(inputs: int, outputs: int, kernel: int, **extra: object) -> nn.Module:
    """`conv` and `bn`; instance norm with IN=True, no norm with bn=False."""
    module = nn.Module()
    stride = int(extra.get("stride", 1))  # type: ignore[call-overload]
    module.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    if extra.get("IN"):
        module.bn = nn.InstanceNorm2d(outputs, affine=True)
    elif extra.get("bn", True):
        module.bn = nn.BatchNorm2d(outputs)
    return module


def run(module: nn.Module, x: Tensor, *, relu: bool = True) -> Tensor:
    x = module.conv(x)  # type: ignore[operator]
    if hasattr(module, "bn"):
        x = module.bn(x)  # type: ignore[operator]
    return F.relu(x) if relu else x


class Light(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv2(self.conv1(x))))


class Gate(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, max(channels // 16, 1), 1)
        self.fc2 = nn.Conv2d(max(channels // 16, 1), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(y))))


class Stream(nn.Module):
    """AIN's."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(Light(channels) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Block(nn.Module):
    def __init__(
        self, inputs: int, outputs: int, *, ain: bool, inside: bool, outside: bool
    ) -> None:
        super().__init__()
        mid = outputs // 4
        self.ain, self.inside, self.outside = ain, inside, outside
        self.conv1 = unit(inputs, mid, 1)
        if ain:
            self.conv2 = nn.ModuleList(Stream(mid, t) for t in (1, 2, 3, 4))
        else:
            self.conv2a: nn.Module = Light(mid)
            self.conv2b = nn.Sequential(*(Light(mid) for _ in range(2)))
            self.conv2c = nn.Sequential(*(Light(mid) for _ in range(3)))
            self.conv2d = nn.Sequential(*(Light(mid) for _ in range(4)))
        self.gate = Gate(mid)
        self.conv3 = unit(mid, outputs, 1, bn=not inside)
        self.downsample = unit(inputs, outputs, 1) if inputs != outputs else None
        if inside or outside:
            self.IN = nn.InstanceNorm2d(outputs, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        y = run(self.conv1, x)
        own = self.conv2 if self.ain else (self.conv2a, self.conv2b, self.conv2c, self.conv2d)
        gated = [self.gate(stream(y)) for stream in own]
        y = gated[0] + gated[1] + gated[2] + gated[3]
        y = run(self.conv3, y, relu=False)
        if self.inside:
            y = self.IN(y)
        y = y + (run(self.downsample, x, relu=False) if self.downsample is not None else x)
        return F.relu(self.IN(y) if self.outside else y)


class Reference(nn.Module):
    """kind: osnet, ibn or ain; channels as torchreid gives them, e.g. (64, 256, 384, 512)."""

    def __init__(self, kind: str, channels: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.ain = ain = kind == "ain"
        self.conv1 = unit(3, channels[0], 7, stride=2, IN=kind != "osnet")
        for stage in range(3):
            inputs, outputs = channels[stage], channels[stage + 1]
            places = AIN_PLACES[stage] if ain else (False, False)
            outside = kind == "ibn" and stage == 0
            parts: list[nn.Module] = [
                Block(inputs if j == 0 else outputs, outputs, ain=ain, inside=p, outside=outside)
                for j, p in enumerate(places)
            ]
            if stage < 2:
                step = nn.Sequential(unit(outputs, outputs, 1), nn.AvgPool2d(2))
                if ain:
                    self.add_module(f"pool{stage + 2}", step)
                else:
                    parts.append(step)
            self.add_module(f"conv{stage + 2}", nn.Sequential(*parts))
        self.conv5 = unit(channels[3], channels[3], 1)
        self.fc = nn.Sequential(nn.Linear(channels[3], 512), nn.BatchNorm1d(512), nn.ReLU())
        self.classifier = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(run(self.conv1, x), 3, 2, 1)
        for stage in (2, 3, 4):
            blocks = list(self.get_submodule(f"conv{stage}").children())
            for part in blocks[:2]:
                x = part(x)
            if stage < 4:
                step = self.get_submodule(f"pool{stage}") if self.ain else blocks[2]
                x = step[1](run(step[0], x))  # type: ignore[index]
        return self.fc(F.adaptive_avg_pool2d(run(self.conv5, x), 1).flatten(1))

import pytest
import torch

from nas.models import Network


@pytest.fixture
def scored_lower(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each batch that is scored, whether it was so in a lower precision; one after the other."""

    def noted(network: Network, x: torch.Tensor) -> torch.Tensor:
        if torch.is_inference_mode_enabled():
            lower.append(torch.is_autocast_enabled(x.device.type))
        return embed(network, x)

    embed, lower = Network.embed, list[bool]()
    monkeypatch.setattr(Network, "embed", noted)
    return lower

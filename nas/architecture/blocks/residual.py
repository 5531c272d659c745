"""What residual blocks share."""

from __future__ import annotations

from nas.architecture.graph import Node, Pen


def shortcut(net: Pen, x: Node, channels: int) -> Node:
    """The identity, by a 1x1 convolution where the channels change."""
    if x.channels == channels:
        return x
    return net.norm(net.conv(x, channels, 1, name="downsample.conv"), name="downsample.bn")


def close(net: Pen, y: Node, x: Node, channels: int) -> Node:
    """Linear 1x1 convolution to `channels`, plus the identity, ReLU."""
    y = net.norm(net.conv(y, channels, 1, name="conv3.conv"), name="conv3.bn")
    return net.relu(net.add(y, shortcut(net, x, channels)))

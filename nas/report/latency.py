"""Latency for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.text import Text

from nas.report.formats import bare_table
from nas.report.words import compact, point_in_words, varying_names
from nas.search.budget import number_of


def setting_in_words(setting: Mapping[str, Any]) -> str:
    """frozen, 2 threads, batch 1, float32, channels_last; cpu AMD EPYC, torch 2.13; without what a
    table of another tool does not say."""
    s = setting
    threads = number_of(int(s["threads"]), "thread") if s["threads"] else ""
    how = (s["backend"], threads, f"batch {s['batch']}", s["precision"], s["memory_format"])
    where = (f"{s['device']} {s['machine']}".strip(), s["library"])
    return "; ".join(text for own in (how, where) if (text := ", ".join(filter(None, own))))


def latency_in_words(found: Mapping[str, Any]) -> str:
    """What `latency_profile` found: p50 with its interval, p90, the setting, the prediction."""
    low, high = found["p50_low_ms"], found["p50_high_ms"]
    lines = [
        f"latency p50 {found['p50_ms']:.3f} ms (95% interval {low:.3f} to {high:.3f}), "
        f"p90 {found['p90_ms']:.3f} ms, {found['runs']} runs",
        f"  {setting_in_words(found['setting'])}",
    ]
    if "predicted_ms" in found:
        lines += [
            f"predicted by its parts {found['predicted_ms']:.3f} ms",
            f"  {setting_in_words(found['table'])}",
        ]
    return "\n".join(lines)


def rank_report(found: Mapping[str, Any]) -> Group:
    """What `rank_space` found: how MACs and latency agree, and the widest inversions."""
    lines = [
        f"{found['space']}: {found['architectures']:,} architectures, latency as the sum of parts",
        f"  {setting_in_words(found['setting'])}",
        f"Kendall's tau of MACs with latency {found['tau']:.3f}; "
        f"{found['inverted']:.1%} of pairs have fewer MACs and take longer",
    ]
    if "checked" in found:
        checked = found["checked"]
        lines.append(
            f"{checked['architectures']} measured whole: median error of the sum of parts "
            f"{checked['median_error']:.1%}, tau {checked['tau']:.3f}"
        )
    points = [pair[side]["point"] for pair in found["pairs"] for side in ("smaller", "larger")]
    names = varying_names(points)
    table = bare_table()
    for name in ("macs", "latency_ms"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("fewer MACs, and slower than the one below it", overflow="fold")
    for pair in found["pairs"]:
        for side in ("smaller", "larger"):
            row = pair[side]
            table.add_row(
                compact(row["macs"]),
                f"{row['latency_ms']:.3f}",
                point_in_words(row["point"], names),
                end_section=side == "larger",
            )
    return Group(*(Text(line) for line in lines), Text(), table)

"""benchmarks/RESULTS.md, which every benchmark writes its own sections of."""

import os
import platform
import re
from pathlib import Path

HERE = Path(__file__).parent


def write(title: str, body: str) -> None:
    """Replace a section of RESULTS.md, and keep the others."""
    path = HERE / "RESULTS.md"
    text = path.read_text() if path.exists() else "# Measured speed\n"
    head, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    bodies = dict(section.split("\n", 1) for section in sections)
    bodies[title] = f"\n{body}\n"
    text = "".join(f"## {name}\n\n{content.strip()}\n\n" for name, content in bodies.items())
    path.write_text(f"{head.strip()}\n\n{text.strip()}\n")


def machine(threads: int, device: str = "cpu") -> str:
    """The processor, its cores, the threads used and the GPU."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists() and (model := re.search(r"model name\s*: (.*)", info.read_text())):
        cpu = model[1]
    gpu = f", {_gpu()}" if device.startswith("cuda") else ""
    return f"{cpu}, {os.cpu_count()} cores, {threads} thread(s){gpu}."


def peak_memory() -> float:
    """The most memory that this process has had, in GB, not what its parent had as it forked."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s*(\d+) kB", status)[0]) / 1e6


def _gpu() -> str:
    import torch  # noqa: PLC0415 - not every benchmark needs it

    return torch.cuda.get_device_name()

"""Images a second of our training step against a plain DCGAN loop, in one run.

The plain loop is the one of PyTorch's DCGAN tutorial (`benchmarks/tutorial.py`). Ours is `ganlib.training.fit`'s step
on the packed set. Both train the same networks from the same weights on the same pictures with the same batch size;
loading of pictures is part of both. They take turns, and what is quoted is the median of the turns and of their ratios.

    python benchmarks/throughput.py                 # CPU, one thread, 64 px and 32 px
    python benchmarks/throughput.py --device cuda   # with 2 and with 8 DataLoader workers

"Never slower where bfloat16 is not in hardware" is checked by ``--precision fp32``.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.meter import processor  # noqa: E402
from benchmarks.tutorial import Tutorial  # noqa: E402
from ganlib.config import DataConfig, ModelConfig, TrainConfig  # noqa: E402
from ganlib.data import prepare  # noqa: E402
from ganlib.steps.adversarial import AdversarialStep  # noqa: E402
from ganlib.steps.precision import uses_bf16  # noqa: E402
from ganlib.steps.resident import resident  # noqa: E402
from ganlib.steps.stream import BatchStream  # noqa: E402


def our_loop(
    pictures: torch.Tensor, model: ModelConfig, size: int, batch: int, device: str, precision: str
) -> Iterator[int]:
    """Our step, as `ganlib.training.fit` runs it."""
    train = TrainConfig(batch_size=batch, precision=precision)
    step = AdversarialStep(DataConfig(size=size), model, train, 0, torch.device(device))
    stream = BatchStream(pictures, batch, 0, torch.device(device))
    while True:
        step.schedule(stream.shown / 1000 + 1)
        step(stream)
        yield batch


def rate(loop: Iterator[int], seconds: float, device: str) -> float:
    """Images a second of a loop over about ``seconds``."""
    wait: Callable[[], None] = torch.cuda.synchronize if device == "cuda" else lambda: None
    wait()
    started, images = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        images += next(loop)
    wait()
    return images / (time.perf_counter() - started)


def compare(
    ours: Iterator[int], plain: Iterator[int], rounds: int, seconds: float, device: str
) -> dict[str, float]:
    """Take turns; the medians of both rates and of their ratios."""
    for loop in (ours, plain):
        rate(loop, seconds / 2, device)
    pairs = [(rate(ours, seconds, device), rate(plain, seconds, device)) for _ in range(rounds)]
    ratios = sorted(a / b for a, b in pairs)
    return {
        "ours": statistics.median(a for a, _ in pairs),
        "plain": statistics.median(b for _, b in pairs),
        "ratio": statistics.median(ratios),
        "ratio_min": ratios[0],
        "ratio_max": ratios[-1],
    }


def main() -> None:
    """Print a table; with ``--out`` also write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cases = [(32, 32, 64, (0,)), (64, 64, 64, (0,))]
    if options.device == "cuda":
        torch.backends.cudnn.benchmark = True
        cases = [(64, 64, 128, (2, 8)), (32, 32, 64, (2, 8))]
    device = torch.cuda.get_device_name() if options.device == "cuda" else processor()
    bf16 = uses_bf16(options.precision, torch.device(options.device))
    results = []
    print(
        f"torch {torch.__version__}, {device}, one thread, ours in {'bf16' if bf16 else 'fp32'}, plain in fp32"
    )
    for size, width, batch, workers in cases:
        images = prepare(DataConfig(count=options.count, size=size))
        model = ModelConfig(width=width, latent_dim=100)
        with tempfile.TemporaryDirectory() as root:
            folder = Path(root) / "faces"
            folder.mkdir()
            for index, picture in enumerate(images.pictures):
                Image.fromarray(picture).save(folder / f"{index:06d}.png")
            for count in workers:
                stored = resident(images.pictures, torch.device(options.device))
                ours = our_loop(stored, model, size, batch, options.device, options.precision)
                plain = Tutorial(Path(root), model, size, batch, options.device, count).steps()
                result = compare(ours, plain, options.rounds, options.seconds, options.device)
                result |= {"size": size, "width": width, "batch": batch, "workers": count}
                results.append(result)
                print(
                    f"{size:3d} px, width {width}, batch {batch}, {count} loader workers: "
                    f"ours {result['ours']:.0f}/s, plain {result['plain']:.0f}/s, ratio {result['ratio']:.2f} "
                    f"({result['ratio_min']:.2f} to {result['ratio_max']:.2f})",
                    flush=True,
                )
    if options.out:
        about = {"device": device, "torch": torch.__version__, "bf16": bf16, "argv": sys.argv[1:]}
        options.out.write_text(json.dumps(about | {"results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()

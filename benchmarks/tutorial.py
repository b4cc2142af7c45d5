"""The loop of PyTorch's DCGAN tutorial, on a folder of pictures."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from ganlib.config import ModelConfig
from ganlib.models.dcgan import DCGAN

EPOCH = 200_000
"""Pictures of an epoch, where that takes as many turns through the folder: those of CelebA, as the tutorial has it."""


class Tutorial:
    """A DCGAN that is trained as the tutorial trains it.

    A DataLoader over an image folder (decode, resize, crop, normalise), eager float32, contiguous tensors, Adam as it
    comes, both losses read with ``.item()`` at every step.

    Args:
        root: A folder whose sub-folders hold the pictures.
        model: ``width`` and ``latent_dim``, in the tutorial 64 and 100.
        size: Side of the pictures in pixels, in the tutorial 64.
        batch: In the tutorial 128.
        device: Where it is trained.
        workers: Of the DataLoader, in the tutorial 2.
        seed: Of weights, noise and order.

    Attributes:
        generator: From latents (n, latent_dim, 1, 1) to pictures (n, 3, size, size) in [-1, 1].
    """

    def __init__(
        self, root: Path, model: ModelConfig, size: int, batch: int, device: str, workers: int, seed: int = 0
    ) -> None:
        from torchvision import datasets, transforms

        steps = [
            transforms.Resize(size),
            transforms.CenterCrop(size),
            transforms.ToTensor(),
            transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ]
        data = datasets.ImageFolder(str(root), transform=transforms.Compose(steps))
        # Loaders begin anew with each epoch, which the tutorial's 200,000 pictures make rare.
        epoch = torch.utils.data.ConcatDataset([data] * max(1, EPOCH // max(1, len(data))))
        self._loader = torch.utils.data.DataLoader(
            epoch, batch_size=batch, shuffle=True, num_workers=workers, drop_last=True
        )
        torch.manual_seed(seed)
        self._device, self._latent_dim = device, model.latent_dim
        networks = DCGAN.generator(model, size), DCGAN.discriminator(model, size, "batch")
        self.generator, self._discriminator = (_plain(net).to(device) for net in networks)

    def steps(self) -> Iterator[int]:
        """Train; gives the number of pictures of every step, without end."""
        generator, discriminator, device = self.generator, self._discriminator, self._device
        criterion = nn.BCELoss()
        optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        optimizer_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        while True:
            for pictures, _ in self._loader:
                discriminator.zero_grad()
                real = pictures.to(device)
                label = torch.full((len(real),), 1.0, device=device)
                loss_real = criterion(torch.sigmoid(discriminator(real).view(-1)), label)
                loss_real.backward()
                noise = torch.randn(len(real), self._latent_dim, 1, 1, device=device)
                fake = generator(noise)
                label.fill_(0.0)
                loss_fake = criterion(torch.sigmoid(discriminator(fake.detach()).view(-1)), label)
                loss_fake.backward()
                optimizer_d.step()
                generator.zero_grad()
                label.fill_(1.0)
                loss_g = criterion(torch.sigmoid(discriminator(fake).view(-1)), label)
                loss_g.backward()
                optimizer_g.step()
                _ = (loss_real + loss_fake).item(), loss_g.item()
                yield len(real)


def _plain(module: nn.Module) -> nn.Sequential:
    """Make the same layers with the same weights, as torch's own classes."""
    layers: list[nn.Module] = []
    for layer in module.layers:  # type: ignore[union-attr]
        for kind in (nn.ConvTranspose2d, nn.Conv2d):
            if isinstance(layer, kind):
                plain = kind(
                    layer.in_channels,
                    layer.out_channels,
                    layer.kernel_size,
                    layer.stride,
                    layer.padding,
                    bias=layer.bias is not None,
                )
                plain.load_state_dict(layer.state_dict())
                layer = plain
        layers.append(layer)
    return nn.Sequential(*layers)

"""The three networks that learn together, and their losses (Deng and others 2023; Karras and others 2019 to 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor, nn
from torch.nn import functional

from backend.fields.rays import camera_matrices, rays_of
from backend.models.pix2pix3d.config import Config
from backend.models.pix2pix3d.discriminator import Discriminator, gradient_penalty
from backend.models.pix2pix3d.generator import Generator, Jitter, Seen, at_size, label_map_of
from backend.models.pix2pix3d.perceptual import Perceptual
from backend.models.pix2pix3d.superresolution import resized
from backend.training.options import Range

_POINTS, _MOVED = 1000, 0.004  # where the density is held to be smooth, and over which distance
_BLUR, _BLURRED_STEPS = 10.0, 6250  # pixels at first, and for how many steps
# How much each label of CelebAMask counts: those that are rare more.
FACE_WEIGHTS = (
    *(0.4277, 0.4561, 1.5995, 4.3886, 4.8570, 4.8644, 3.5356, 3.5790, 3.3784, 3.6698),
    *(4.1774, 3.5624, 2.7819, 0.4092, 2.3856, 4.6581, 17.1737, 1.1330, 1.2528),
)

Batch = dict[str, Any]
Numbers = dict[str, Tensor | float]
Pictures = tuple[Tensor, Tensor]  # what a discriminator sees: full ones, and small ones
_SHARE = Range(0, 1)
_WEIGHT = Range(0, 1000)


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What counts how much. ``gamma`` is that of R1, ``raw_only``: small pictures and label maps alone are compared
    with the true ones, and not the full ones. ``random_pose`` is how often pictures are made from another side than
    their label map, ``label_power`` 1 or 2 has the labels of faces count by `FACE_WEIGHTS` to that power."""

    gamma: Annotated[float, _WEIGHT] = 1.0
    semantic: Annotated[float, _WEIGHT] = 0.1
    colour: Annotated[float, _WEIGHT] = 0.0
    perceptual: Annotated[float, _WEIGHT] = 1.0
    label: Annotated[float, _WEIGHT] = 1.0
    label_power: Annotated[int, Range(0, 2)] = 0
    cross_view: Annotated[float, _WEIGHT] = 1e-4
    density: Annotated[float, _WEIGHT] = 0.25
    raw_only: bool = True
    random_pose: Annotated[float, _SHARE] = 0.5


class Rivals(nn.Module):
    """The ``generator``, and the discriminators of pictures and of pictures with their label maps."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.generator = Generator(config)
        size, base, most = config.picture_size, config.encoder_base, config.encoder_most
        self.discriminator = Discriminator(3, size, base, most)
        self.semantic_discriminator = Discriminator(3 + config.labels, size, base, most)


class Contest:
    """The losses of `Rivals`. A batch has "image" N x 3 x P x P, "labels" as `Generator.forward` takes them, "camera"
    N x 25, and the "step" that it is for; ``cameras`` (M x 25) are those that other sides are drawn from."""

    def __init__(
        self,
        config: Config,
        balance: Balance,
        cameras: Tensor,
        perceptual: Perceptual | None,
        blurred: bool,
    ) -> None:
        self._config = config
        self._balance = balance
        self._cameras = cameras
        self._perceptual = perceptual
        self._blurred = blurred

    def generator_loss(self, rivals: Rivals, batch: Batch) -> tuple[Tensor, Numbers]:
        """Of what is to pass for true and, from the label map's own side, to be like the true picture and labels. What
        is compared with them counts as 0 in the steps that look from elsewhere."""
        balance, generator = self._balance, rivals.generator
        z, camera, own = self._drawn(batch)
        seen = _look(generator, batch["labels"], z, batch["camera"], camera)
        pictures, labelled = (seen.image, seen.image_raw), self._with_labels(seen)
        fooled = functional.softplus(-self._judged(rivals.discriminator, pictures, camera, batch)).mean()
        semantic = functional.softplus(-self._judged(rivals.semantic_discriminator, labelled, camera, batch)).mean()
        parts: dict[str, Tensor] = {"fooled": fooled, "fooled_semantic": balance.semantic * semantic}
        nothing = torch.zeros_like(fooled)
        parts |= self._compared(seen, batch) if own else {"pictures": nothing, "labels": nothing}
        if balance.cross_view:
            parts["cross_view"] = balance.cross_view * self._cross_view(generator, batch)
        return torch.stack([*parts.values()]).sum(), {name: each.detach() for name, each in parts.items()}

    def density_loss(self, rivals: Rivals, batch: Batch) -> tuple[Tensor, Numbers]:
        """Of densities that differ between points and others close to them."""
        z, _, _ = self._drawn(batch)
        generator = rivals.generator
        planes = generator.planes(generator.styles(batch["labels"], z, batch["camera"]), "random")
        points = torch.rand(len(z), _POINTS, 3, device=z.device) * 2 - 1
        near = points + torch.randn_like(points) * _MOVED
        _, sigma = generator.query(planes, torch.cat([points, near], dim=1))
        first, second = sigma.split(_POINTS, dim=1)
        return self._balance.density * functional.l1_loss(first, second), {}

    def discriminator_loss(self, rivals: Rivals, batch: Batch) -> tuple[Tensor, Numbers]:
        """Of pictures that are made and pass for true, and of true ones that do not."""
        seen, camera = self._made(rivals, batch)
        true = self._true(batch)
        made = seen.image, seen.image_raw
        return self._told_apart(rivals.discriminator, made, camera, (true.image, true.image_raw), batch)

    def semantic_discriminator_loss(self, rivals: Rivals, batch: Batch) -> tuple[Tensor, Numbers]:
        """The same of pictures with their label maps."""
        seen, camera = self._made(rivals, batch)
        true = _beside(self._true(batch))
        return self._told_apart(rivals.semantic_discriminator, self._with_labels(seen), camera, true, batch)

    def discriminator_penalty(self, rivals: Rivals, batch: Batch) -> tuple[Tensor, Numbers]:
        """R1 of the discriminator of pictures."""
        true = self._true(batch)
        return self._penalty(rivals.discriminator, (true.image, true.image_raw), batch)

    def semantic_discriminator_penalty(self, rivals: Rivals, batch: Batch) -> tuple[Tensor, Numbers]:
        """R1 of the other."""
        return self._penalty(rivals.semantic_discriminator, _beside(self._true(batch)), batch)

    # --- what is looked at ---

    def _drawn(self, batch: Batch) -> tuple[Tensor, Tensor, bool]:
        """A style code and a camera for each of the batch, and whether the cameras are the label maps' own."""
        own = torch.rand(()).item() >= self._balance.random_pose
        z = torch.randn(len(batch["camera"]), self._config.z_dim, device=batch["camera"].device)
        return z, batch["camera"] if own else self._elsewhere(batch), own

    def _elsewhere(self, batch: Batch) -> Tensor:
        picked = torch.randint(len(self._cameras), (len(batch["camera"]),))
        return self._cameras[picked].to(batch["camera"].device)

    @torch.no_grad()
    def _made(self, rivals: Rivals, batch: Batch) -> tuple[Seen, Tensor]:
        """What a discriminator is shown; it passes, too, into the mean style."""
        z, camera, _ = self._drawn(batch)
        generator = rivals.generator
        styles = generator.styles(batch["labels"], z, batch["camera"])
        generator.backbone.mapping.follow(styles)
        return _through(generator, styles, camera), camera

    def _true(self, batch: Batch) -> Seen:
        """The batch's own pictures and label maps, as if they had been seen."""
        config = self._config
        labels = batch["labels"]
        if not config.draws:
            labels = functional.one_hot(labels, config.labels).permute(0, 3, 1, 2).float()
        full, image = resized(labels, config.picture_size), batch["image"]
        raw, raw_labels = resized(image, config.render_size), resized(full, config.render_size)
        nothing = image.new_zeros(())
        return Seen(image, raw, full, raw_labels, nothing, nothing)

    # --- how it is judged ---

    def _judged(self, discriminator: Discriminator, pictures: Pictures, camera: Tensor, batch: Batch) -> Tensor:
        picture, raw = pictures
        return discriminator(self._blur(picture, batch), raw, camera)

    def _told_apart(
        self, discriminator: Discriminator, made: Pictures, camera: Tensor, true: Pictures, batch: Batch
    ) -> tuple[Tensor, Numbers]:
        for_made = self._judged(discriminator, made, camera, batch)
        for_true = self._judged(discriminator, true, batch["camera"], batch)
        loss = functional.softplus(for_made).mean() + functional.softplus(-for_true).mean()
        return loss, {"made": for_made.detach().mean(), "true": for_true.detach().mean()}

    def _with_labels(self, seen: Seen) -> Pictures:
        """What is made, with how likely each label is, or with what is drawn."""
        if self._config.draws:
            return _beside(seen)
        semantic, raw = (each.softmax(dim=1) for each in (seen.semantic, seen.semantic_raw))
        return _beside(seen._replace(semantic=semantic, semantic_raw=raw))

    def _penalty(self, discriminator: Discriminator, pictures: Pictures, batch: Batch) -> tuple[Tensor, Numbers]:
        def judge(picture: Tensor, raw: Tensor, camera: Tensor) -> Tensor:
            return self._judged(discriminator, (picture, raw), camera, batch)

        slopes = gradient_penalty(judge, *pictures, batch["camera"])
        return self._balance.gamma / 2 * slopes.mean(), {}

    def _blur(self, picture: Tensor, batch: Batch) -> Tensor:
        """Full pictures are shown out of focus at first, so that nobody wins by details."""
        sigma = _BLUR * max(0.0, 1 - float(batch["step"]) / _BLURRED_STEPS) if self._blurred else 0.0
        reach = min(int(3 * sigma), picture.shape[-1] // 2 - 1)
        if reach < 1:
            return picture
        return gaussian_blur2d(picture, (2 * reach + 1, 2 * reach + 1), (sigma, sigma), "constant")

    # --- what it is compared with ---

    def _compared(self, seen: Seen, batch: Batch) -> dict[str, Tensor]:
        """How far pictures and labels, seen from the label maps' own side, are from the true ones."""
        balance, true = self._balance, self._true(batch)
        pictures = [(seen.image_raw, true.image_raw)]
        labels = [(seen.semantic_raw, true.semantic_raw)]
        if not balance.raw_only:
            pictures.append((seen.image, true.image))
            labels.append((seen.semantic, true.semantic))
        apart = torch.zeros((), device=seen.image.device)
        for found, wanted in pictures:
            if balance.colour:
                apart = apart + balance.colour * functional.smooth_l1_loss(found, wanted)
            if balance.perceptual and self._perceptual is not None:
                apart = apart + balance.perceptual * self._perceptual.to(found.device)(found, wanted).mean()
        wrong = torch.zeros((), device=seen.image.device)
        for found, wanted in labels:
            wrong = wrong + self._label_loss(found, wanted, batch["labels"])
        return {"pictures": apart, "labels": balance.label * wrong}

    def _label_loss(self, found: Tensor, wanted: Tensor, labels: Tensor) -> Tensor:
        if self._config.draws:
            return functional.smooth_l1_loss(found, wanted)
        power = self._balance.label_power
        weights = found.new_tensor(FACE_WEIGHTS) ** power if power else None
        return functional.cross_entropy(found, at_size(labels, found.shape[-1]), weights)

    def _cross_view(self, generator: Generator, batch: Batch) -> Tensor:
        """What is made of the labels that an object shows from elsewhere must show the labels that the object shows."""
        z, _, _ = self._drawn(batch)
        labels, pose = batch["labels"], batch["camera"]
        with torch.no_grad():
            other = _look(generator, labels, z, pose, self._elsewhere(batch)).semantic
            first = _look(generator, labels, z, pose, pose).semantic_raw
        side = self._config.map_size
        again = resized(other, side) if self._config.draws else at_size(label_map_of(other), side)
        return functional.smooth_l1_loss(_look(generator, again, z, pose, pose).semantic_raw, first)


def _look(generator: Generator, labels: Tensor, z: Tensor, pose: Tensor, camera: Tensor) -> Seen:
    """The map ``labels`` seen from ``pose``, through ``camera``, with the noise and the samples of learning."""
    return _through(generator, generator.styles(labels, z, pose), camera)


def _through(generator: Generator, styles: Tensor, camera: Tensor) -> Seen:
    config = generator.config
    jitter = Jitter.random(rays_of(*camera_matrices(camera), config.render_size), config)
    volume = generator.volume(generator.planes(styles, "random"), camera, jitter=jitter)
    return generator.pictures(volume, styles, overwritten=True)


def _beside(seen: Seen) -> Pictures:
    """Full and small pictures with their label maps. Labels alone are learned from here: colours are the other
    discriminator's."""
    image, raw = seen.image.detach(), seen.image_raw.detach()
    return torch.cat([image, seen.semantic], dim=1), torch.cat([raw, seen.semantic_raw], dim=1)

"""The noise schedule of latent diffusion (Rombach et al. 2022; Ho et al. 2020, equations 2 to 12) and DDIM's steps."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from protocol.problems import ErrorCode, ProblemError

TIMES = 1000
_BETAS = (0.00085, 0.0120)  # of Stable Diffusion; linear in their square roots


@dataclass(frozen=True, eq=False)
class Schedule:
    """Each float64 of length TIMES: ``betas`` and the shares of the signal's variance ``alphas_cumprod`` at a time and
    ``alphas_cumprod_prev`` at the one before."""

    betas: np.ndarray
    alphas_cumprod: np.ndarray
    alphas_cumprod_prev: np.ndarray

    def tables(self) -> dict[str, np.ndarray]:
        """The twelve tables (float32) that latent diffusion's checkpoints carry, by name."""
        betas, now, before = self.betas, self.alphas_cumprod, self.alphas_cumprod_prev
        variance = betas * (1 - before) / (1 - now)
        tables = {
            "betas": betas,
            "alphas_cumprod": now,
            "alphas_cumprod_prev": before,
            "sqrt_alphas_cumprod": np.sqrt(now),
            "sqrt_one_minus_alphas_cumprod": np.sqrt(1 - now),
            "log_one_minus_alphas_cumprod": np.log(1 - now),
            "sqrt_recip_alphas_cumprod": np.sqrt(1 / now),
            "sqrt_recipm1_alphas_cumprod": np.sqrt(1 / now - 1),
            "posterior_variance": variance,
            "posterior_log_variance_clipped": np.log(np.maximum(variance, 1e-20)),
            "posterior_mean_coef1": betas * np.sqrt(before) / (1 - now),
            "posterior_mean_coef2": (1 - before) * np.sqrt(1 - betas) / (1 - now),
        }
        return {name: table.astype(np.float32) for name, table in tables.items()}

    def bound_weights(self) -> np.ndarray:
        """float32: the weight of a time's squared error in the variational bound (Ho et al. 2020, equation 12); the
        first, which is infinite, takes the second's place."""
        betas, now = self.betas.astype(np.float32), self.alphas_cumprod.astype(np.float32)
        variance = self.tables()["posterior_variance"]
        with np.errstate(divide="ignore"):
            weights = betas**2 / (2 * variance * (1 - betas) * (1 - now))
        weights[0] = weights[1]
        return weights


@functools.cache
def stable_diffusion_schedule() -> Schedule:
    """The schedule of Stable Diffusion 1.x and of all that was trained on from it."""
    low, high = np.sqrt(_BETAS[0]), np.sqrt(_BETAS[1])
    betas = np.linspace(low, high, TIMES, dtype=np.float64) ** 2
    now = np.cumprod(1 - betas)
    return Schedule(betas, now, np.concatenate([[1.0], now[:-1]]))


@functools.cache
def noisier_schedule(factor: float) -> Schedule:
    """Stable Diffusion's with ``factor`` times as much noise for the same signal at every time. Where latents are
    small and of few strong values, its own still shows their coarse shape at the last time, where sampling begins with
    nothing but noise (Lin et al. 2024, section 3.1)."""
    usual = stable_diffusion_schedule()
    if factor == 1.0:
        return usual
    now = usual.alphas_cumprod / (usual.alphas_cumprod + factor**2 * (1 - usual.alphas_cumprod))
    before = np.concatenate([[1.0], now[:-1]])
    return Schedule(1 - now / before, now, before)


@dataclass(frozen=True, eq=False)
class Steps:
    """Song et al. 2021, DDIM: ``times`` (int64, ascending) and for each the share of the signal's variance ``alphas``,
    that of the step after it ``alphas_prev``, and the noise ``sigmas`` (equation 16), all float32."""

    times: np.ndarray
    alphas: np.ndarray
    alphas_prev: np.ndarray
    sigmas: np.ndarray

    @property
    def order(self) -> range:
        """The indices that sampling visits. The largest time is never visited: so did latent diffusion's code, in
        which the released models were tried and tuned."""
        return range(len(self.times) - 2, -1, -1)


def ddim_steps(count: int, eta: float, schedule: Schedule | None = None) -> Steps:
    """The steps for a wish of ``count`` (2 to TIMES): every (TIMES // count)-th time, which may be more than ``count``.

    ``eta`` 0 adds no noise on the way, 1 as much as DDPM. ProblemError (BAD_PARAMETER) for a count that is out of range
    or whose last time would lie beyond the table.
    """
    stride = TIMES // count if 2 <= count <= TIMES else 0
    if not stride or (TIMES - 1) % stride == 0:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER,
            f"The sampler cannot make {count} steps.",
            "Allowed: 2 to 500, but for 3, 9, 27, 36, 37, 101 to 111 and 251 to 333; usual are 50 to 200.",
        )
    shares = (schedule or stable_diffusion_schedule()).alphas_cumprod.astype(np.float32)
    times = np.arange(0, TIMES, stride) + 1
    now = shares[times]
    before = np.concatenate([shares[:1], shares[times[:-1]]])
    wide_now, wide_before = now.astype(np.float64), before.astype(np.float64)
    sigmas = eta * np.sqrt((1 - wide_before) / (1 - wide_now) * (1 - wide_now / wide_before))
    return Steps(times, now, before, sigmas.astype(np.float32))

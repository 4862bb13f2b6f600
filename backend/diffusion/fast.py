"""Samplers that need 10 to 30 steps: DPM-Solver++ (Lu et al. 2022) and UniPC (Zhao et al. 2023), as in diffusers."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from backend.diffusion.ddim import Denoise, Watch
from backend.diffusion.schedule import TIMES, Schedule, stable_diffusion_schedule
from protocol.problems import ErrorCode, ProblemError

Sampler = Literal["dpm", "unipc"]


def solve(
    denoise: Denoise, start: Tensor, count: int, sampler: Sampler, watch: Watch, schedule: Schedule | None = None
) -> Tensor:
    """As ``ddim``, in ``count`` steps (1 to TIMES) of second order without noise on the way; ``schedule`` is Stable
    Diffusion's unless given.

    ProblemError (BAD_PARAMETER) for another count.
    """
    if not 1 <= count <= TIMES:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER, f"The sampler cannot make {count} steps.", f"Allowed: 1 to {TIMES}; 10 to 30 do."
        )
    scheduler = _scheduler(sampler, schedule or stable_diffusion_schedule())
    scheduler.set_timesteps(count)
    x = start.float()
    for done, time in enumerate(scheduler.timesteps, 1):
        found = denoise(x, int(time)).float()
        share = float(scheduler.alphas_cumprod[int(time)])
        clean = (x - (1 - share) ** 0.5 * found) / share**0.5
        x = scheduler.step(found, time, x).prev_sample
        watch(done, x, clean)
    return x


def _scheduler(sampler: Sampler, schedule: Schedule) -> Any:
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
    from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

    common = {"trained_betas": schedule.betas, "timestep_spacing": "trailing"}
    if sampler == "dpm":
        # At few steps the last one of first order avoids grain.
        return DPMSolverMultistepScheduler(**common, lower_order_final=True, solver_order=2)
    return UniPCMultistepScheduler(**common, solver_order=2)

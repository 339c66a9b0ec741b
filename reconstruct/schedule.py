"""What happens at which step. Everything depends on the step alone, never on the clock, so runs repeat."""

from __future__ import annotations

import math
from dataclasses import dataclass

from setpiece.reconstruct.engine import LearningRates
from setpiece.reconstruct.options import Quality, TrainOptions


@dataclass(frozen=True)
class Preset:
    """What a quality means for fifty photos."""

    steps: int
    max_splats: int
    max_side: int  # pixels
    sh_degree: int
    penalty: float = 0.0  # on opacity and on size; keeps long trainings from learning their photos by heart


PRESETS = {
    Quality.DRAFT: Preset(steps=770, max_splats=60_000, max_side=960, sh_degree=1),
    Quality.STANDARD: Preset(steps=2300, max_splats=100_000, max_side=960, sh_degree=2, penalty=0.01),
    Quality.HIGH: Preset(steps=5000, max_splats=140_000, max_side=960, sh_degree=3, penalty=0.01),
}


COARSE_UNTIL = (0.1, 0.6)  # of all steps: a quarter of the size before the first, then half, then all
PENALISED_EXTENT = 3.0  # the penalty on size counts as on a scene of this extent, in any unit
EXPOSURE_RATE = 2e-3  # Adam step size of the exposures at the start
SMALLEST_SIDE = 100  # pixels; pictures are not halved below
MOVING_AT = (0.2, 0.45)  # of all steps
FEWEST_TO_TELL = 6  # photos among which something can be told to move
MOVING_STEPS = 200  # a training needs so many for its model to tell anything


@dataclass(frozen=True)
class Schedule:
    """The plan of one training. Times are fractions of all steps."""

    steps: int  # one photo each
    max_splats: int
    max_side: int  # pixels, of the training pictures at full size
    sh_degree: int  # the last one
    start_splats: int  # to begin with
    edit_every: int  # steps between changes of the population
    coarse_until: tuple[float, ...]  # with two: a quarter of the size before the first, then half
    sh_every: float = 0.1  # one more SH degree after each
    grow_from: float = 0.03
    grow_until: float = 0.6
    ssim_every: int = 1  # only every so many steps compute SSIM
    ssim_weight: float = 0.2
    rate_means: float = 5e-5  # Adam step sizes, before `rate_scale`; this one times the scene's extent
    rate_scales: float = 5e-3
    rate_quats: float = 1e-3
    rate_opacities: float = 5e-2
    rate_sh0: float = 2.5e-3
    rate_sh_rest: float = 5e-4
    rate_scale: float = 1.0  # of all learning rates at the start
    rate_end: float = 0.1  # of the start, at the last step
    opacity_penalty: float = 0.0
    scale_penalty: float = 0.0  # of the mean deviation as a fraction of the scene's extent
    noise: float = 0.0  # strength of the exploration noise, in standard deviations
    exposure_from: float = 0.1
    moving_at: tuple[float, ...] = ()  # when it is looked for what moves

    def level(self, step: int) -> int:
        """How often the pictures are halved at `step`."""
        done = step / self.steps
        return sum(done < until for until in self.coarse_until)

    def sh_degree_at(self, step: int) -> int:
        """The SH degree in use at `step`."""
        return min(self.sh_degree, int(step / self.steps / self.sh_every))

    def ssim_weight_at(self, step: int) -> float:
        """The weight of SSIM at `step`, 0 on the steps that do without."""
        return self.ssim_weight if step % self.ssim_every == 0 else 0.0

    def rates(self, step: int, extent: float) -> LearningRates:
        """Adam step sizes at `step` for a scene seen from about `extent` set units away."""
        done = step / self.steps
        now = self.rate_scale * float(self.rate_end**done)
        return LearningRates(
            means=self.rate_means * extent * now,
            log_scales=self.rate_scales * now,
            quats=self.rate_quats * now,
            opacity_logits=self.rate_opacities * now,
            sh0=self.rate_sh0 * now,
            sh_rest=self.rate_sh_rest * now,
        )

    def exposure_rate(self, step: int) -> float:
        """Adam step size of the exposures at `step`."""
        return EXPOSURE_RATE * float(0.1 ** (step / self.steps))

    def looks_for_moving_at(self, step: int) -> bool:
        """Whether it is looked for what moves after `step`."""
        return step in [round(at * self.steps) for at in self.moving_at]

    def edits_at(self, step: int) -> bool:
        """Whether the population is looked over after `step`: to grow, or at least to be cleaned."""
        return step % self.edit_every == 0 and step >= self.grow_from * self.steps

    def grows_at(self, step: int) -> bool:
        """Whether an edit at `step` may add Gaussians; later ones only take floaters away."""
        return step <= self.grow_until * self.steps

    def splats_at(self, step: int, start: int) -> int:
        """How many Gaussians there should be after an edit at `step`, having started with `start`."""
        grown = (step / self.steps - self.grow_from) / (self.grow_until - self.grow_from)
        grown = min(max(grown, 0.0), 1.0)
        return max(start, int(start + (self.max_splats - start) * grown))


def schedule_for(options: TrainOptions, photos: int, longest_side: int) -> Schedule:
    """The plan for a number of training photos of at most `longest_side` pixels."""
    preset = PRESETS[Quality(options.quality)]
    # More photos mean more surface: room for more Gaussians, and steps to see each photo often enough.
    more = max(1.0, photos / 50) ** 0.5
    steps = options.steps or round(preset.steps * more)
    max_splats = options.max_splats or round(preset.max_splats * more)
    max_side = min(longest_side, options.max_side or preset.max_side)
    halvings = max(0, int(math.log2(max_side / SMALLEST_SIDE))) if max_side > SMALLEST_SIDE else 0
    tells = not options.keep_moving and photos >= FEWEST_TO_TELL and steps >= MOVING_STEPS
    return Schedule(
        steps=steps,
        max_splats=max_splats,
        max_side=max_side,
        coarse_until=COARSE_UNTIL[max(0, len(COARSE_UNTIL) - halvings) :],
        sh_degree=preset.sh_degree if options.sh_degree is None else options.sh_degree,
        start_splats=max(1, max_splats // 3),
        edit_every=min(100, max(10, steps // 20)),
        ssim_weight=options.ssim_weight,
        moving_at=MOVING_AT if tells else (),
        opacity_penalty=preset.penalty,
        scale_penalty=PENALISED_EXTENT * preset.penalty,
        # View-dependent colour has to hurry in a short run; in a long one slow learning tells it from noise:
        # at 2500 steps the same PSNR as at full pace and a better SSIM, at 800 steps 0.3 dB less.
        rate_sh_rest=5e-4 * min(1.0, max(800 / steps, 0.1)),
        # A short run has to move as far as a long one. Between 6 and 12 little changes at 1000 steps.
        rate_scale=min(max(8.0 * (2500 / steps) ** 0.3, 2.0), 12.0),
    )

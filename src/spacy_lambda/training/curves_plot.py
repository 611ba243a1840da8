"""Steps, losses and scores -> an SVG of both curves."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["draw_curves"]

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 60, 40, 50
SCORE, LOSS, AXIS = "#1a7f37", "#9a6700", "#57606a"


def draw_curves(points: Sequence[tuple[int, float, float]]) -> str:
    """Draw the score on the left axis and the loss on the right one; the best score is marked.

    :param points: Step, loss and score of each evaluation.
    """
    last = max(1, points[-1][0])
    top_loss = max((loss for _, loss, _ in points), default=0.0) or 1.0
    top_score = max((score for *_, score in points), default=0.0) or 1.0
    edge = HEIGHT - BOTTOM

    def place(step: int, share: float) -> tuple[float, float]:
        return LEFT + step / last * (WIDTH - LEFT - RIGHT), edge - share * (edge - TOP)

    scores = [place(step, score / top_score) for step, _, score in points]
    losses = [place(step, loss / top_loss) for step, loss, _ in points]
    best_step, _, best_score = max(points, key=lambda point: (point[2], point[0]))
    x, y = place(best_step, best_score / top_score)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<path d="M{LEFT} {TOP}V{edge}H{WIDTH - RIGHT}V{TOP}" fill="none" stroke="{AXIS}"/>',
        f'<text x="{LEFT - 50}" y="{TOP - 16}" fill="{SCORE}">score</text>',
        f'<text x="{WIDTH - 10}" y="{TOP - 16}" text-anchor="end" fill="{LOSS}">loss of a step</text>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">steps</text>',
        *(_tick(place(0, i / 4)[1], f"{top_score * i / 4:.3f}", f"{top_loss * i / 4:,.1f}") for i in range(5)),
        *(
            f'<text x="{place(last * i // 4, 0)[0]:.1f}" y="{edge + 18}" text-anchor="middle">{last * i // 4:,}</text>'
            for i in range(5)
        ),
        _line(losses, LOSS),
        _line(scores, SCORE),
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{SCORE}"/>',
        f'<text x="{WIDTH / 2}" y="{TOP - 16}" text-anchor="middle" fill="{SCORE}">'
        f"best: {best_score:.3f} at step {best_step:,}</text>",
    ]
    return "\n".join((*lines, "</svg>", ""))


def _line(points: Sequence[tuple[float, float]], color: str) -> str:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"/>'


def _tick(y: float, score: str, loss: str) -> str:
    return (
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="{SCORE}">{score}</text>'
        f'<text x="{WIDTH - RIGHT + 6}" y="{y + 4:.1f}" fill="{LOSS}">{loss}</text>'
    )

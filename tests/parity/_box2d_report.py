"""What the long comparisons of Box2D's environments print for the pages of the docs."""

import numpy as np


def report(name, observations, rewards, touching):
    """The greatest differences in flight and in contact, given those of each transition and which have contacts."""
    for kind, chosen in (("in flight", ~touching), ("in contact", touching)):
        found = observations[chosen]
        above = ", ".join(f"{np.sum(found > limit)} above {limit:g}" for limit in (1e-5, 2e-5, 1e-4))
        greatest = (
            f"observations {found.max(initial=0.0):.1e} ({above}), rewards {rewards[chosen].max(initial=0.0):.1e}"
        )
        print(f"{name}, {kind}: {len(found):,} transitions, {greatest}", flush=True)


def report_returns(name, returns):
    """The distribution of returns, (episodes,)."""
    low, median, high = np.quantile(returns, [0.1, 0.5, 0.9])
    error = np.std(returns, ddof=1) / np.sqrt(len(returns))
    spread = f"10 % {low:.1f}, median {median:.1f}, 90 % {high:.1f}"
    print(f"{name}: {len(returns)} episodes, mean {np.mean(returns):.1f} +- {error:.1f}, {spread}", flush=True)

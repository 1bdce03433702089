"""The references of bsuite's tasks."""

from tests.parity.row import Row

_RECORDED = "bsuite 0.3.6, {} recorded in bsuite_of_0_3_6.json"
_EPISODES, _TRANSITIONS = _RECORDED.format("episodes"), _RECORDED.format("transitions")

ROWS = [
    Row("bsuite/Bandit-v0", _EPISODES, 1e-7, "rewards are rounded to float32"),
    Row("bsuite/CartPole-v0", _TRANSITIONS, 5e-7, "the equations of motion in float32, there in float64"),
    Row("bsuite/CartPoleSwingup-v0", _TRANSITIONS, 5e-7, "as CartPole"),
    Row("bsuite/Catch-v0", _EPISODES, 0.0, "integers throughout"),
    Row("bsuite/DeepSea-v0", _EPISODES, 2e-7, "a cost is taken from the reward in float32"),
    Row("bsuite/DeepSeaStochastic-v0", "as bsuite/DeepSea-v0, with wind and noise as they fell", 2e-7, "as DeepSea"),
    Row("bsuite/DiscountingChain-v0", _EPISODES, 1e-7, "the time is a quotient in float32"),
    Row("bsuite/MemoryChain-v0", _EPISODES, 1e-7, "the time is a quotient in float32"),
    Row("bsuite/MnistBandit-v0", _EPISODES, 0.0, "bytes from the same table; recorded with images of random bytes"),
    Row("bsuite/MountainCar-v0", _TRANSITIONS, 3e-7, "a cosine and a few sums in float32, there in float64"),
    Row("bsuite/UmbrellaChain-v0", _EPISODES, 1e-7, "the time is a quotient in float32"),
]

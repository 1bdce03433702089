"""PPO in a loop of torch, over `TorchVectorEnv`."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from jaxenvs.adapters import TorchVectorEnv


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of the PPO below."""

    num_envs: int = 32
    num_steps: int = 64
    iterations: int = 24
    epochs: int = 4
    minibatch: int = 512
    learning_rate: float = 3e-3
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip: float = 0.2


@pytest.fixture
def one_torch_thread():
    """On few cores, torch's threads wait actively, and so they and XLA's threads slow each other down."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_torch_thread")
def test_a_ppo_loop_in_torch_learns_cart_pole():
    s = Settings()
    torch.manual_seed(0)
    envs = TorchVectorEnv("CartPole-v1", s.num_envs)
    size = envs.single_observation_space.shape[0]
    actor, critic = (
        nn.Sequential(nn.Linear(size, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, outputs))
        for outputs in (envs.single_action_space.n, 1)
    )
    optimiser = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=s.learning_rate)
    observation, _ = envs.reset(seed=0)
    finished = []
    for _ in range(s.iterations):
        steps = []
        with torch.no_grad():
            for _ in range(s.num_steps):
                policy = torch.distributions.Categorical(logits=actor(observation))
                action = policy.sample()
                following, reward, terminated, truncated, info = envs.step(action)
                done = terminated | truncated
                next_value = critic(info["final_observation"]).squeeze(-1) * ~terminated
                delta = reward + s.gamma * next_value - critic(observation).squeeze(-1)
                steps.append((observation, action, policy.log_prob(action), delta, ~done, critic(observation)[:, 0]))
                finished += info["episode_return"][done].tolist()
                observation = following
            advantage, advantages = torch.zeros(s.num_envs), []
            for _, _, _, delta, goes_on, _ in reversed(steps):
                advantage = delta + s.gamma * s.gae_lambda * goes_on * advantage
                advantages.insert(0, advantage)
        observations, actions, log_probs, _, _, values = (torch.cat(parts) for parts in zip(*steps, strict=True))
        advantages = torch.cat(advantages)
        targets = advantages + values
        for _ in range(s.epochs):
            for rows in torch.randperm(len(actions)).split(s.minibatch):
                policy = torch.distributions.Categorical(logits=actor(observations[rows]))
                ratio = (policy.log_prob(actions[rows]) - log_probs[rows]).exp()
                gain = advantages[rows]
                gain = (gain - gain.mean()) / (gain.std() + 1e-8)
                loss = -torch.min(ratio * gain, ratio.clamp(1 - s.clip, 1 + s.clip) * gain).mean()
                loss += 0.5 * (critic(observations[rows]).squeeze(-1) - targets[rows]).square().mean()
                loss -= 0.01 * policy.entropy().mean()
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_([*actor.parameters(), *critic.parameters()], 0.5)
                optimiser.step()
    assert np.mean(finished[:50]) < 40  # as by chance
    assert np.mean(finished[-50:]) > 150

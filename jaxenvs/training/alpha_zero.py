"""AlphaZero: search with a network, and a network that learns from the search.

After D. Silver et al., "A general reinforcement learning algorithm that masters chess, shogi, and Go through
self-play", Science 362, 2018, with the search of I. Danihelka et al., "Policy improvement by planning with Gumbel",
2022.
"""

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import Env
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.trees import tree_where
from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import InvalidField
from jaxenvs.games.game import NOBODY, Game, outcome
from jaxenvs.games.opponents.search import mctx
from jaxenvs.games.opponents.uniform import uniform_action
from jaxenvs.games.symmetry import Symmetric
from jaxenvs.random import Key, check_key
from jaxenvs.rollouts.endings import Endings
from jaxenvs.rollouts.mesh import Devices
from jaxenvs.training.alpha_zero_state import AlphaZeroAgent, AlphaZeroMetrics, AlphaZeroState, Example
from jaxenvs.training.board_network import BoardNetwork
from jaxenvs.training.learner import Learner, counted, episode_sums, horizon_of
from jaxenvs.training.network_opponent import NetworkOpponent, evaluate_positions, search
from jaxenvs.training.optimizer import Optimizer
from jaxenvs.training.replay import ReplayBuffer
from jaxenvs.training.schedule import annealed, progress


@runtime_checkable
class PlaysGame(Protocol):
    """An environment of a board game."""

    @property
    def game(self) -> Game[Any]:
        """The rules."""
        ...


class AlphaZeroPolicy(PyTreeNode):
    """The network's policy without search, which sees what an environment shows of a board.

    The observation does not say which actions are legal, so this policy only knows what it has learnt of that.
    `AlphaZero.opponent` searches, and never takes an action that is not legal.

    Attributes:
        agent: the weights.
        network: the network.
        stochastic: whether to draw actions rather than take the one preferred most.
    """

    agent: AlphaZeroAgent
    network: BoardNetwork = static()
    stochastic: bool = static(default=False)

    def __call__(self, observation: Array, key: Key) -> Array:
        """The action for one observation."""
        logits = self.network.outputs(self.agent.network, observation[None])[0][0]
        choice = jax.random.categorical(key, logits) if self.stochastic else jnp.argmax(logits)
        return choice.astype(jnp.int32)


class AlphaZero(Learner[AlphaZeroState]):
    """Self-play with Monte-Carlo tree search, with games, search and learning in one program.

    Each update makes `num_steps` moves in `num_envs` games. Before each, a search of `num_simulations` simulations
    improves the policy of the network, and its action is drawn from what it found. Then `gradient_steps` gradient
    steps, each for `batch_size` of the latest `buffer_size` positions, move the policy towards the improved ones, and
    the value towards the end of the games. If a game has symmetries, each position is learnt from in a random one.

    It learns the game of a board game's environment, such as `two_player/ConnectFour-v0`, by its rules: it does not
    step the environment, and an opponent in it is not played against. Episodes are games between the learner and
    itself, and their return is 1 if somebody won, else 0.

    Attributes:
        total_steps: moves that `train` makes, rounded up to whole updates.
        num_envs: number of games played in parallel.
        num_steps: moves in each game per update.
        num_simulations: simulations before each move.
        exploration: fraction of moves that are random, after which games reach positions that good players avoid.
        value_lambda: weight of what is further ahead in the values learnt: with 1 the end of the game alone, with 0
            what the search before the next move expects.
        gradient_steps: gradient steps per update.
        batch_size: positions per gradient step.
        buffer_size: number of the latest positions that are kept; a multiple of num_envs * num_steps.
        learning_rate: of Adam.
        anneal: whether to lower the learning rate linearly to 0 over `total_steps`.
        value_coefficient: weight of the value loss.
        max_grad_norm: gradients are scaled down to this norm, which is positive.
        channels: of the network's convolutional layers.
        blocks: residual blocks of the network.
    """

    num_envs: int = static(default=128)
    num_steps: int = static(default=16)
    num_simulations: int = static(default=32)
    exploration: ArrayLike = 0.0
    value_lambda: ArrayLike = 0.9
    gradient_steps: int = static(default=32)
    batch_size: int = static(default=256)
    buffer_size: int = static(default=32_768)
    learning_rate: ArrayLike = 2e-3
    anneal: bool = static(default=True)
    value_coefficient: ArrayLike = 1.0
    max_grad_norm: ArrayLike = 1.0
    channels: int = static(default=32)
    blocks: int = static(default=2)

    def check_fields(self) -> None:
        """Checks sizes and ranges."""
        for name in ("num_steps", "num_simulations", "gradient_steps", "batch_size", "buffer_size", "channels"):
            self.check_count(name)
        self.check_count("blocks", least=0)
        if self.buffer_size % self.steps_per_update:
            raise InvalidField(
                f"AlphaZero: buffer_size ({self.buffer_size}) must be a multiple of the {self.steps_per_update} moves"
                f" of an update (num_envs {self.num_envs} times num_steps {self.num_steps}), such as"
                f" {-(-self.buffer_size // self.steps_per_update) * self.steps_per_update}."
            )
        for name in ("exploration", "value_lambda"):
            self.check_range(name, 0, 1)
        for name in ("learning_rate", "value_coefficient"):
            self.check_range(name, 0)
        self.check_range("max_grad_norm", 0, above=True)

    def check_env(self, env: Env[Any, Any]) -> None:
        """Checks that the environment is a board game, and that mctx is installed."""
        self.check_is_env(env)
        base = unwrap(env)
        if not isinstance(base, PlaysGame):
            raise InvalidField(
                f"AlphaZero plays board games for two against itself, and {type(base).__name__} is none. Take one such"
                " as `jaxenvs.make('two_player/ConnectFour-v0')`, or another learner."
            )
        if env.observation_space != base.observation_space or env.action_space != base.action_space:
            raise InvalidField(
                "AlphaZero plays by the rules of the game and leaves out wrappers, so these must not change"
                f" observations or actions. Pass `unwrap(env)`, the {type(base).__name__} alone."
            )
        mctx()

    @property
    def steps_per_update(self) -> int:
        """num_envs * num_steps."""
        return self.num_envs * self.num_steps

    def policy(self, env: Env[Any, Any], agent: AlphaZeroAgent, *, stochastic: bool = False) -> AlphaZeroPolicy:
        """The network's policy without search; `opponent` searches."""
        return AlphaZeroPolicy(agent, self._network(game_of(env)), stochastic)

    def opponent(self, env: Env[Any, Any], agent: AlphaZeroAgent, *, num_simulations: int = 64) -> NetworkOpponent:
        """The player that has been trained, for `custom_opponent` of an environment and for `match`.

        Args:
            env: the environment in which it was trained.
            agent: the field `agent` of a train state.
            num_simulations: simulations for each move. More than in training play better.
        """
        return NetworkOpponent(agent.network, self._network(game_of(env)), num_simulations)

    def init(self, env: Env[Any, Any], key: Key, *, mesh: Devices | None = None) -> AlphaZeroState:
        """Initialises the weights and an empty buffer, and begins the games."""
        self.check_mesh(mesh)
        self.check_env(env)
        game = game_of(env)
        key, network_key = jax.random.split(check_key(key, name="train"))
        board = jnp.zeros(game.observation_shape, bool)
        weights = self._network(game).init(network_key, board[None])
        example = Example(board, jnp.zeros(game.num_actions, jnp.float32), jnp.zeros((), jnp.float32))
        return AlphaZeroState(
            agent=AlphaZeroAgent(weights),
            updates=jnp.zeros((), jnp.int32),
            env_steps=jnp.zeros((), jnp.float32),
            optimizer_state=self._optimizer.init(weights),
            buffer=ReplayBuffer.empty(example, self.buffer_size),
            positions=self._begun(game),
            lengths=jnp.zeros(self.num_envs, jnp.int32),
            key=key,
        )

    def update_with_endings(
        self,
        env: Env[Any, Any],
        state: AlphaZeroState,
        *,
        horizon: ArrayLike | None = None,
        mesh: Devices | None = None,
    ) -> tuple[AlphaZeroState, AlphaZeroMetrics, Endings]:
        """Plays, and learns from the latest positions."""
        self.check_mesh(mesh)
        game = game_of(env)
        state, examples, endings = self._play(game, state)
        flat = jax.tree.map(lambda x: x.reshape(self.steps_per_update, *x.shape[2:]), examples)
        state = state.replace(buffer=state.buffer.add(flat))
        share = progress(state.updates, horizon_of(self, state.updates, horizon))
        learning_rate = annealed(self.learning_rate, share, self.anneal)
        state, losses = self._learn(game, state, learning_rate)
        counters = counted(self, state.updates)
        metrics = AlphaZeroMetrics(
            env_steps=counters["env_steps"], **episode_sums(endings), **losses, learning_rate=learning_rate
        )
        return state.replace(**counters), metrics, endings

    def _play(self, game: Game[Any], state: AlphaZeroState) -> tuple[AlphaZeroState, Example, Endings]:
        """Makes `num_steps` moves in every game; examples and endings have axes (num_steps, num_envs)."""
        network, weights = self._network(game), state.agent.network
        begun = self._begun(game)

        def step(carry: tuple[Any, Array, Key], _: None) -> tuple[tuple[Any, Array, Key], Any]:
            positions, lengths, key = carry
            key, search_key, explore_key = jax.random.split(key, 3)
            boards = jax.vmap(lambda position: game.observe(position, position.player))(positions)
            actions, policies, values = search(
                network, weights, game, positions, search_key, self.num_simulations, noise=1.0
            )
            actions, explores = self._explored(game, positions, actions, explore_key)
            after = jax.vmap(game.play)(positions, actions)
            rewards = jax.vmap(outcome)(after, positions.player)
            over, length = after.is_over, lengths + 1
            decided = (after.winner != NOBODY).astype(jnp.float32)
            endings = Endings(over, over, jnp.zeros_like(over), jnp.where(over, decided, 0.0), length)
            after = jax.vmap(tree_where)(over, begun, after)
            return (after, jnp.where(over, 0, length), key), (boards, policies, values, explores, rewards, endings)

        carry = state.positions, state.lengths, state.key
        (positions, lengths, key), played = jax.lax.scan(step, carry, None, length=self.num_steps)
        boards, policies, values, explores, rewards, endings = played
        _, last_values = evaluate_positions(network, weights, game, positions)
        targets = self._targets(rewards, endings.ended, explores, values, last_values)
        state = state.replace(positions=positions, lengths=lengths, key=key)
        return state, Example(boards, policies, targets), endings

    def _explored(self, game: Game[Any], positions: Any, actions: Array, key: Key) -> tuple[Array, Array]:
        """The actions, a fraction `exploration` of which is replaced by random ones; and which ones are, (n,) bool."""
        choose_key, action_key = jax.random.split(key)
        explores = jax.random.uniform(choose_key, actions.shape, jnp.float32) < self.exploration
        legal = jax.vmap(game.legal_actions)(positions)
        others = jax.vmap(uniform_action)(legal, jax.random.split(action_key, len(actions)))
        return jnp.where(explores, others, actions), explores

    def _targets(self, rewards: Array, over: Array, explores: Array, values: Array, last_values: Array) -> Array:
        """(num_steps, num_envs) float32: what to learn of each position, for the player whose turn it was.

        What follows a random action says nothing about the position before it: there it is what the search expected.

        Args:
            rewards: (num_steps, num_envs) float32, of the player who moved.
            over: (num_steps, num_envs) bool, whether the move ended the game.
            explores: (num_steps, num_envs) bool, whether the action was random.
            values: (num_steps, num_envs) float32, what the search expected before the move.
            last_values: (num_envs,) float32, what the network expects after the last move.
        """
        weight = jnp.asarray(self.value_lambda, jnp.float32)

        def back(carry: tuple[Array, Array], move: tuple[Array, ...]) -> tuple[tuple[Array, Array], Array]:
            (target, value), (reward, ended, explored, value_before) = carry, move
            ahead = weight * target + (1 - weight) * value  # for the other player
            target = jnp.where(explored, value_before, jnp.where(ended, reward, -ahead))
            return (target, value_before), target

        _, targets = jax.lax.scan(back, (last_values, last_values), (rewards, over, explores, values), reverse=True)
        return targets

    def _learn(
        self, game: Game[Any], state: AlphaZeroState, learning_rate: Array
    ) -> tuple[AlphaZeroState, dict[str, Array]]:
        """Takes `gradient_steps` gradient steps; the losses are their means."""
        network = self._network(game)

        def step(carry: tuple[Any, Any], key: Key) -> tuple[tuple[Any, Any], dict[str, Array]]:
            weights, optimizer_state = carry
            sample_key, way_key = jax.random.split(key)
            examples = seen_from_random_sides(game, state.buffer.sample(sample_key, self.batch_size), way_key)
            gradient, losses = jax.grad(self._loss, has_aux=True)(weights, network, examples)
            return self._optimizer.step(weights, gradient, optimizer_state, learning_rate), losses

        key, learn_key = jax.random.split(state.key)
        carry = state.agent.network, state.optimizer_state
        (weights, optimizer_state), losses = jax.lax.scan(step, carry, jax.random.split(learn_key, self.gradient_steps))
        state = state.replace(agent=AlphaZeroAgent(weights), optimizer_state=optimizer_state, key=key)
        return state, jax.tree.map(jnp.mean, losses)

    def _loss(self, weights: Any, network: BoardNetwork, examples: Example) -> tuple[Array, dict[str, Array]]:
        logits, values = network.outputs(weights, examples.board)
        log_probs = jax.nn.log_softmax(logits)
        # The network is not told which actions are legal, so that it learns to avoid the others without a search.
        cross_entropy = -(examples.policy * log_probs).sum(axis=-1).mean()
        entropy = -jax.scipy.special.xlogy(examples.policy, examples.policy).sum(axis=-1).mean()
        value_loss = 0.5 * ((values - examples.value) ** 2).mean()
        loss = cross_entropy + jnp.asarray(self.value_coefficient, jnp.float32) * value_loss
        return loss, {
            "policy_loss": cross_entropy - entropy,
            "value_loss": value_loss,
            "entropy": entropy,
            "illegal": jnp.where(examples.policy == 0, jnp.exp(log_probs), 0.0).sum(axis=-1).mean(),
        }

    def _begun(self, game: Game[Any]) -> Any:
        """Games at their beginning, one for each environment."""
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (self.num_envs, *leaf.shape)), game.start())

    def _network(self, game: Game[Any]) -> BoardNetwork:
        return BoardNetwork(self.channels, self.blocks, game.num_actions)

    @property
    def _optimizer(self) -> Optimizer:
        return Optimizer(self.max_grad_norm)


def game_of(env: Env[Any, Any]) -> Game[Any]:
    """The rules of a board game's environment, for which `AlphaZero.check_env` raises no error."""
    base = unwrap(env)
    assert isinstance(base, PlaysGame)
    return base.game


def seen_from_random_sides(game: Game[Any], examples: Example, key: Key) -> Example:
    """Examples (n, ...), each looked at in one of the ways in which the game is the same, drawn by `key`."""
    if not isinstance(game, Symmetric):
        return examples
    ways = game.symmetries
    cells, actions = jnp.asarray(ways.cells), jnp.asarray(ways.actions)
    chosen = jax.random.randint(key, examples.value.shape, 0, len(ways.cells), jnp.int32)

    def look(example: Example, way: Array) -> Example:
        board = example.board.reshape(cells.shape[1], -1)[cells[way]].reshape(example.board.shape)
        return Example(board, example.policy[actions[way]], example.value)

    return jax.vmap(look)(examples, chosen)

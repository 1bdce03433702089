"""Graph: nodes and the edges between them, padded to fixed numbers."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.errors import InvalidAction, InvalidMask, InvalidSpace
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import _flat, _padding
from jaxenvs.spaces._convert import as_array, import_gymnasium, validate_integers
from jaxenvs.spaces._draw import check_only_one, uniform_integers
from jaxenvs.spaces.box import Box
from jaxenvs.spaces.dict import twin_hint
from jaxenvs.spaces.discrete import in_range
from jaxenvs.spaces.sequence import stack_gymnasium
from jaxenvs.spaces.space import Space

# The number of nodes that Gymnasium samples by default.
_USUAL_NODES = 10


class GraphElement(PyTreeNode):
    """An element of `Graph`; zeros in all slots not in use.

    Attributes:
        nodes: elements of the node space, stacked along a first axis of `max_nodes`.
        edges: elements of the edge space, stacked along a first axis of `max_edges`; None if there is no edge space.
        edge_links: (max_edges, 2) int32, the two nodes of each edge.
        n_node: () int32, the number of nodes.
        n_edge: () int32, the number of edges.
    """

    nodes: Any
    edges: Any
    edge_links: Array
    n_node: Array
    n_edge: Array


class Graph(Space[GraphElement]):
    """Graphs of at most `max_nodes` nodes and `max_edges` edges; loops and parallel edges are allowed.

    Elements are `GraphElement`s; `pad` makes one of lists. Unlike Gymnasium's, which does not flatten
    to a vector, `flatten` gives the vectors of all node slots, then of all edge slots, then the edge
    links in row-major order, then the two counts; slots not in use are zeros.

    Attributes:
        node_space: the space of a node.
        edge_space: the space of an edge, or None for graphs without edges.
        max_nodes: largest number of nodes, at least 1.
        max_edges: largest number of edges, at least 1, or 0 if there is no edge space.
    """

    node_space: Any
    edge_space: Any
    max_nodes: int = static()
    max_edges: int = static(default=0)

    def __post_init__(self) -> None:
        for name in ("node_space", "edge_space"):
            space = getattr(self, name)
            if not isinstance(space, Space) and (name == "node_space" or space is not None):
                raise InvalidSpace(f"Graph: `{name}` must be a jaxenvs space, got {space!r}.{twin_hint(space)}")
        nodes = _padding.check_size("Graph", "max_nodes", self.max_nodes, 1)
        if self.edge_space is None and self.max_edges != 0:
            raise InvalidSpace(f"Graph: max_edges is {self.max_edges!r}, but there is no edge space; give one, or 0.")
        smallest = 0 if self.edge_space is None else 1
        self._set(max_nodes=nodes, max_edges=_padding.check_size("Graph", "max_edges", self.max_edges, smallest))

    def pad(self, nodes: Sequence[Any], edges: Sequence[Any] = (), edge_links: Any = ()) -> GraphElement:
        """The element that holds these nodes and edges, on the host.

        Args:
            nodes: elements of the node space.
            edges: elements of the edge space.
            edge_links: for each edge, the indices of its two nodes.

        Raises:
            InvalidAction: there are too many, one does not fit, or a link does not lead to a node.
        """
        if len(edges) and self.edge_space is None:
            raise InvalidAction(f"Expected no edges, as the space has no edge space; got {len(edges)}.")
        links = np.asarray(edge_links)
        if links.shape != (len(edges), 2) and (len(edges) or links.size):
            raise InvalidAction(
                f"Expected edge_links of shape ({len(edges)}, 2), one row for each edge; got {links.shape}."
            )
        if len(edges) and (links.dtype.kind not in "iu" or links.min() < 0 or links.max() >= len(nodes)):
            raise InvalidAction(f"Expected edge_links from 0 to {len(nodes) - 1}, the last node; got {links.tolist()}.")
        padded = np.zeros((self.max_edges, 2), np.int32)
        stacks = _padding.pad_stack(self.node_space, nodes, self.max_nodes, "nodes"), None
        if self.edge_space is not None:
            stacks = stacks[0], _padding.pad_stack(self.edge_space, edges, self.max_edges, "edges")
            padded[: len(edges)] = links.reshape(-1, 2)
        n_node, n_edge = (jnp.asarray(len(items), jnp.int32) for items in (nodes, edges))
        return GraphElement(*stacks, edge_links=jnp.asarray(padded), n_node=n_node, n_edge=n_edge)

    def sample(
        self,
        key: Key,
        mask: Any = None,
        probability: Any = None,
        num_nodes: Any = None,
        num_edges: Any = None,
    ) -> GraphElement:
        """Draws the number of edges, the nodes, the edges and what they link.

        Args:
            key: a scalar random key.
            mask: (node masks, edge masks), either of which may be None. The node masks are a tuple with one for each
                node. So are the edge masks if `num_edges` is given; otherwise there is one mask for all edges.
            probability: the same, with probabilities.
            num_nodes: number of nodes, possibly traced; by default 10, or `max_nodes` if that is less.
            num_edges: number of edges; by default uniform from 0 up to but excluding n (n - 1), for n nodes, as in
                Gymnasium, given that it is at most `max_edges`.
        """
        key = check_key(key, name="action_space.sample")
        check_only_one(self, mask, probability)
        name, given = ("mask", mask) if probability is None else ("probability", probability)
        if given is not None and (not isinstance(given, tuple) or len(given) != 2):
            raise InvalidMask(
                f"{self!r}: `{name}` must be a tuple (node masks or None, edge masks or None), got {given!r}."
            )
        node_masks, edge_masks = (None, None) if given is None else given
        count_key, node_key, edge_key, link_key = jax.random.split(key, 4)
        nodes_wanted = min(_USUAL_NODES, self.max_nodes) if num_nodes is None else num_nodes
        n_node = _padding.as_count(self, nodes_wanted, "number of nodes", 1, self.max_nodes)
        n_edge = self._sample_edge_count(count_key, n_node, num_edges)
        in_use = _padding.used(self.max_nodes, n_node)
        nodes = self._sample_slots(self.node_space, node_key, in_use, name, node_masks, nodes_wanted)
        edges = None
        in_use = _padding.used(self.max_edges, n_edge)
        if self.edge_space is not None:
            if num_edges is None and edge_masks is not None:
                masks = (edge_masks, None) if name == "mask" else (None, edge_masks)
                edges = _padding.sample_stack(self.edge_space, edge_key, in_use, *masks, each=False)
            else:
                edges = self._sample_slots(self.edge_space, edge_key, in_use, name, edge_masks, num_edges)
        last = jnp.broadcast_to(n_node - 1, (self.max_edges, 2))
        links = uniform_integers(link_key, jnp.zeros_like(last), last)
        return GraphElement(nodes, edges, _padding.zero_unused(links, in_use), n_node, n_edge)

    def _sample_edge_count(self, key: Key, n_node: Array, num_edges: Any) -> Array:
        if num_edges is not None:
            return _padding.as_count(self, num_edges, "number of edges", 0, self.max_edges)
        # n (n - 1) never exceeds int32, since it is cut off much earlier, at the square of 2^15.
        few = jnp.minimum(n_node, 2**15)
        last = jnp.clip(few * (few - 1) - 1, 0, self.max_edges)
        return uniform_integers(key, jnp.zeros_like(last), last)

    def _sample_slots(self, space: Space[Any], key: Key, in_use: Array, name: str, masks: Any, wanted: Any) -> Any:
        if masks is None:
            return _padding.sample_stack(space, key, in_use, None, None, each=False)
        size = in_use.shape[0]
        needed = int(wanted) if isinstance(wanted, int | np.integer) else size
        if not isinstance(masks, tuple) or not needed <= len(masks) <= size:
            got = f"a tuple of length {len(masks)}" if isinstance(masks, tuple) else f"a {type(masks).__name__}"
            raise InvalidMask(f"{self!r}: `{name}` needs a tuple with one mask for each of {needed} slots, got {got}.")
        if not masks:
            return _padding.sample_stack(space, key, in_use, None, None, each=False)
        padded = masks + (masks[-1],) * (size - len(masks))
        stacked = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *padded)
        both = (stacked, None) if name == "mask" else (None, stacked)
        return _padding.sample_stack(space, key, in_use, *both, each=True)

    def contains(self, x: Any) -> Array:
        """() bool: whether nodes and edges lie in their spaces, links lead to nodes, and padding is zero."""
        if not isinstance(x, GraphElement) or (x.edges is None) != (self.edge_space is None):
            return jnp.zeros((), bool)
        node_count = _padding.read_count(x.n_node, self.max_nodes)
        edge_count = _padding.read_count(x.n_edge, self.max_edges)
        links = as_array(x.edge_links)
        if node_count is None or edge_count is None:
            return jnp.zeros((), bool)
        if links is None or links.shape != (self.max_edges, 2) or links.dtype.kind not in "iu":
            return jnp.zeros((), bool)
        (nodes_fit, n_node), (edges_fit, n_edge) = node_count, edge_count
        inside = nodes_fit & edges_fit & jnp.asarray(in_range(links, np.asarray(0), np.asarray(self.max_nodes - 1)))
        links = jnp.asarray(links).astype(jnp.int32)
        edge_in_use = _padding.used(self.max_edges, n_edge)
        linked = links < n_node
        inside &= jnp.all(jnp.where(edge_in_use[:, None], linked, links == 0))
        inside &= _padding.stack_contains(self.node_space, x.nodes, _padding.used(self.max_nodes, n_node))
        if self.edge_space is not None:
            inside &= _padding.stack_contains(self.edge_space, x.edges, edge_in_use)
        return inside

    def validate(self, x: Any) -> GraphElement:
        """Returns `x` with its parts in the space's dtypes."""
        if not isinstance(x, GraphElement):
            raise InvalidAction(
                f"Expected a GraphElement; got something of type {type(x).__name__}. Make one: `space.pad(nodes)`."
            )
        if (x.edges is None) != (self.edge_space is None):
            raise InvalidAction(
                f"Expected `edges` {'to be None' if x.edges is not None else 'not to be None'} in {self!r}."
            )
        edges = None
        if self.edge_space is not None:
            edges = _padding.validate_stack(self.edge_space, x.edges, self.max_edges, "edges")
        shape = (self.max_edges, 2)
        return GraphElement(
            nodes=_padding.validate_stack(self.node_space, x.nodes, self.max_nodes, "nodes"),
            edges=edges,
            edge_links=validate_integers(x.edge_links, shape, np.int32, f"edge_links, integers of shape {shape}"),
            n_node=_padding.validate_count(x.n_node, "nodes"),
            n_edge=_padding.validate_count(x.n_edge, "edges"),
        )

    def flatten(self, x: GraphElement) -> Array:
        """The vectors of all node slots, of all edge slots, the links, the number of nodes and that of edges."""
        counts = jnp.stack([jnp.asarray(x.n_node, jnp.int32), jnp.asarray(x.n_edge, jnp.int32)])
        parts = [_padding.flatten_stack(self.node_space, x.nodes, _padding.used(self.max_nodes, counts[0]))]
        if self.edge_space is not None:
            parts.append(_padding.flatten_stack(self.edge_space, x.edges, _padding.used(self.max_edges, counts[1])))
        return _flat.join([*parts, jnp.asarray(x.edge_links, jnp.int32).reshape(-1), counts], self.flat_dtype)

    def unflatten(self, x: Array) -> GraphElement:
        """The element whose `flatten` is `x`."""
        int32 = np.dtype(np.int32)
        nodes, edges, links, counts = _flat.split(
            x,
            [
                (self.max_nodes * self.node_space.flat_size, self.node_space.flat_dtype),
                (self._edge_size, int32 if self.edge_space is None else self.edge_space.flat_dtype),
                (self.max_edges * 2, int32),
                (2, int32),
            ],
        )
        if self.edge_space is None:
            edge_stack = None
        else:
            edge_stack = _padding.unflatten_stack(self.edge_space, edges, _padding.used(self.max_edges, counts[1]))
        return GraphElement(
            nodes=_padding.unflatten_stack(self.node_space, nodes, _padding.used(self.max_nodes, counts[0])),
            edges=edge_stack,
            edge_links=links.reshape(self.max_edges, 2),
            n_node=counts[0],
            n_edge=counts[1],
        )

    def flat_space(self) -> Box:
        """The box that `flatten` maps into."""
        boxes = [_padding.stack_box(self.node_space, self.max_nodes)]
        if self.edge_space is not None:
            boxes.append(_padding.stack_box(self.edge_space, self.max_edges))
        boxes.append(Box(0, self.max_nodes - 1, (self.max_edges * 2,), np.int32))
        boxes.append(Box(0, np.array([self.max_nodes, self.max_edges]), (2,), np.int32))
        return _flat.join_boxes(boxes, self.flat_dtype)

    @property
    def _edge_size(self) -> int:
        return 0 if self.edge_space is None else self.max_edges * self.edge_space.flat_size

    @property
    def flat_size(self) -> int:
        """The size of all node slots, all edge slots, two links per edge, and the two counts."""
        return self.max_nodes * self.node_space.flat_size + self._edge_size + 2 * self.max_edges + 2

    @property
    def flat_dtype(self) -> np.dtype[Any]:
        """The dtype that holds a node, an edge and an int32."""
        spaces = [self.node_space] if self.edge_space is None else [self.node_space, self.edge_space]
        return _flat.common_dtype([_padding.stack_dtype(space) for space in spaces])

    def to_gymnasium(self) -> Any:
        """`gymnasium.spaces.Graph`, which does not limit the size of a graph."""
        edge_twin = None if self.edge_space is None else self.edge_space.to_gymnasium()
        return import_gymnasium().spaces.Graph(self.node_space.to_gymnasium(), edge_twin)

    def element_to_gymnasium(self, x: GraphElement) -> Any:
        """A `GraphInstance`; edges and links are None if there is no edge."""
        instance = import_gymnasium().spaces.GraphInstance
        nodes = [self.node_space.element_to_gymnasium(node) for node in _padding.unpad(x.nodes, int(x.n_node))]
        nodes = stack_gymnasium(self.node_space.to_gymnasium(), nodes)
        count = int(x.n_edge)
        if self.edge_space is None or count == 0:
            return instance(nodes, None, None)
        edges = [self.edge_space.element_to_gymnasium(edge) for edge in _padding.unpad(x.edges, count)]
        return instance(nodes, stack_gymnasium(self.edge_space.to_gymnasium(), edges), np.array(x.edge_links)[:count])

    def element_from_gymnasium(self, x: Any) -> GraphElement:
        """`pad` of the nodes, edges and links."""
        gymnasium = import_gymnasium()
        if not isinstance(x, gymnasium.spaces.GraphInstance):
            raise InvalidAction(f"Expected a GraphInstance; got something of type {type(x).__name__}.")
        twin, iterate = self.to_gymnasium(), gymnasium.vector.utils.iterate
        nodes = [self.node_space.element_from_gymnasium(node) for node in iterate(twin.batch_node_space, x.nodes)]
        if x.edges is None:
            return self.pad(nodes)
        if self.edge_space is None:
            raise InvalidAction("Expected no edges, as the space has no edge space; got some.")
        edges = [self.edge_space.element_from_gymnasium(edge) for edge in iterate(twin.batch_edge_space, x.edges)]
        return self.pad(nodes, edges, x.edge_links)

    def __repr__(self) -> str:
        return (
            f"Graph({self.node_space!r}, {self.edge_space!r}, max_nodes={self.max_nodes}, max_edges={self.max_edges})"
        )

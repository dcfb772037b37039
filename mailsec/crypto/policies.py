"""Certificate policies along a path (RFC 5280 section 6.1), by the graph of RFC 9618.

The tree of RFC 5280 can grow exponentially with the length of a path. The graph says the same with at most one node
for each policy and certificate, and never has more edges than the certificates have policies and mappings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.crypto.building import name_of
from mailsec.crypto.extensions import ANY_POLICY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailsec.crypto.certificates import Certificate
    from mailsec.crypto.validating import PathRules

__all__ = ["judge_policies"]


def judge_policies(path: Sequence[Certificate], rules: PathRules) -> tuple[frozenset[str], str]:
    """Judges the certificate policies of a path.

    Those of the trust anchor itself do not count: whoever trusts it has decided (RFC 5280 section 6.1.1 (d)).

    Args:
        path: the certificates, the leaf first, the anchor last.
        rules: the policies that the user wants, and whether one of them must be there.

    Returns:
        The policies that the path is good for (the user-constrained-policy-set of RFC 5280 section 6.1.6; with
        anyPolicy among them for all), and what is wrong as part of a sentence, empty if nothing.
    """
    certificates = path[-2::-1] if len(path) > 1 else ()
    length = len(certificates)
    explicit = 0 if rules.explicit_policy else length + 1
    any_policy = 0 if rules.inhibit_any_policy else length + 1
    mapping = 0 if rules.inhibit_policy_mapping else length + 1
    graph = _Graph()
    for certificate in certificates[:-1]:
        counts = any_policy > 0 or certificate.is_self_issued
        graph.descend(certificate.policies, any_policy=counts)
        if not explicit and graph.is_null:
            return frozenset(), f"{name_of(certificate)} is under none of the certificate policies that are asked for"
        mappings = certificate.policy_mappings
        if any(ANY_POLICY in pair for pair in mappings):
            return frozenset(), f"{name_of(certificate)} maps the policy that stands for any"
        graph.map(mappings, allowed=mapping > 0)
        if not certificate.is_self_issued:
            explicit, mapping, any_policy = (max(0, number - 1) for number in (explicit, mapping, any_policy))
        wanted = certificate.policy_constraints
        if wanted.require_explicit_policy is not None:
            explicit = min(explicit, wanted.require_explicit_policy)
        if wanted.inhibit_policy_mapping is not None:
            mapping = min(mapping, wanted.inhibit_policy_mapping)
        if certificate.inhibit_any_policy is not None:
            any_policy = min(any_policy, certificate.inhibit_any_policy)
    if certificates:
        leaf = certificates[-1]
        graph.descend(leaf.policies, any_policy=any_policy > 0)
        if not explicit and graph.is_null:
            return frozenset(), f"{name_of(leaf)} is under none of the certificate policies that are asked for"
        explicit = max(0, explicit - 1)
        if leaf.policy_constraints.require_explicit_policy == 0:
            explicit = 0
    found = graph.policies(rules.policies)
    if not explicit and not found:
        return found, "the path is good for none of the certificate policies that are asked for"
    return found, ""


class _Graph:
    """The valid_policy_graph of RFC 9618 section 5: a level for each certificate, a node for each policy there.

    `levels` has for each level the nodes, by their policy, with the policies of their parents one level above. Nodes
    without children are not removed as the path goes on, but passed over in the end.
    """

    def __init__(self) -> None:
        self._levels: list[dict[str, tuple[str, ...]]] = [{ANY_POLICY: ()}]
        self._expected: dict[str, list[str]] = {ANY_POLICY: [ANY_POLICY]}  # by the nodes of the last level that expect

    @property
    def is_null(self) -> bool:
        """Whether no policy is left."""
        return not self._levels[-1]

    def descend(self, policies: frozenset[str] | None, *, any_policy: bool) -> None:
        """Adds the level of the next certificate (section 6.1.3 (d) and (e))."""
        if policies is None or self.is_null:
            self._levels.append({})
            self._expected = {}
            return
        above = self._levels[-1]
        level: dict[str, tuple[str, ...]] = {}
        for policy in policies - {ANY_POLICY}:
            parents = self._expected.get(policy)
            if parents:
                level[policy] = tuple(parents)
            elif ANY_POLICY in above:
                level[policy] = (ANY_POLICY,)
        if ANY_POLICY in policies and any_policy:
            for policy, parents in self._expected.items():
                if policy not in level:
                    level[policy] = tuple(parents)
        self._levels.append(level)
        self._expected = {policy: [policy] for policy in level}

    def map(self, mappings: Sequence[tuple[str, str]], *, allowed: bool) -> None:
        """Maps policies of the last level for the next one (section 6.1.4 (b))."""
        level = self._levels[-1]
        if not mappings or not level:
            return
        mapped: dict[str, list[str]] = {}
        for issuer, subject in dict.fromkeys(mappings):
            mapped.setdefault(issuer, []).append(subject)
        if not allowed:
            for policy in mapped:
                level.pop(policy, None)
            self._expected = {policy: [policy] for policy in level}
            return
        for policy in mapped:
            if policy not in level and ANY_POLICY in level:
                level[policy] = (ANY_POLICY,)
        expected: dict[str, list[str]] = {}
        for policy in level:
            for subject in mapped.get(policy, (policy,)):
                expected.setdefault(subject, []).append(policy)
        self._expected = expected

    def policies(self, wanted: frozenset[str]) -> frozenset[str]:
        """Which of the wanted policies are left in the end (section 6.1.5 (g))."""
        bottom: Mapping[str, tuple[str, ...]] = self._levels[-1]
        found: set[str] = set()
        reached = set(bottom)
        for level in reversed(self._levels):
            parents: set[str] = set()
            for policy in reached:
                above = level[policy]
                if policy != ANY_POLICY and ANY_POLICY in above:
                    found.add(policy)
                parents.update(above)
            reached = parents
        if ANY_POLICY in bottom:
            return wanted
        return frozenset(found) if ANY_POLICY in wanted else wanted & found

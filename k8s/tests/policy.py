"""What network policies let through, by the rules of the Kubernetes documentation."""

import ipaddress

import objects

NAMESPACE = "demo"


def _peer_takes(peer, labels, namespace, address):
    if "ipBlock" in peer:
        assert set(peer["ipBlock"]) == {"cidr"}
        return ipaddress.ip_address(address) in ipaddress.ip_network(peer["ipBlock"]["cidr"])
    assert set(peer) == {"podSelector"}, peer  # namespace selectors are not used here
    return (
        namespace == NAMESPACE
        and labels is not None
        and objects.matches(peer["podSelector"], labels)
    )


def _rule_takes(rule, side, port, labels, namespace, address):
    ports = rule.get("ports", [])
    peers = rule.get(side, [])
    if ports and not any(each["port"] == port and each["protocol"] == "TCP" for each in ports):
        return False
    return not peers or any(_peer_takes(peer, labels, namespace, address) for peer in peers)


def admits(policies, to, port, labels=None, namespace=NAMESPACE, address="203.0.113.7"):
    """Whether TCP from a pod with these labels, or from an address without a pod, reaches `to`."""
    chosen = [
        each["spec"]
        for each in policies
        if "Ingress" in each["spec"]["policyTypes"]
        and objects.matches(each["spec"]["podSelector"], to)
    ]
    if not chosen:
        return True
    rules = [rule for spec in chosen for rule in spec.get("ingress") or []]
    return any(_rule_takes(rule, "from", port, labels, namespace, address) for rule in rules)


def lets_out(policies, labels):
    """Whether a pod with these labels may open any connection."""
    chosen = [
        each["spec"]
        for each in policies
        if "Egress" in each["spec"]["policyTypes"]
        and objects.matches(each["spec"]["podSelector"], labels)
    ]
    return not chosen or any(spec.get("egress") for spec in chosen)

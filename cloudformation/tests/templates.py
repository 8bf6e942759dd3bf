"""Reads CloudFormation templates as they stand: short forms such as !Ref become their long form."""

import pathlib

import yaml

FOLDER = pathlib.Path(__file__).resolve().parent.parent
NAMES = ("vpc", "ecs", "ecs-tests", "route53")


class _Loader(yaml.SafeLoader):
    pass


def _function(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else "Fn::" + suffix: value}


_Loader.add_multi_constructor("!", _function)


def path_of(name):
    return FOLDER / f"{name}.yml"


def load(name):
    with open(path_of(name), encoding="utf-8") as text:
        return yaml.load(text, Loader=_Loader)


def walk(value, path=()):
    """Every (path, value) below a value, itself included."""
    yield path, value
    if isinstance(value, dict):
        for key, part in value.items():
            yield from walk(part, path + (key,))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from walk(part, path + (index,))


def referenced(template):
    """Names that !Ref, !GetAtt, !Sub and conditions use."""
    names = set()
    for path, value in walk(template):
        if path[-1:] == ("Ref",):
            names.add(value)
        elif path[-1:] == ("Fn::GetAtt",):
            names.add(value[0])
        elif path[-1:] == ("Fn::Sub",):
            text = value if isinstance(value, str) else value[0]
            names.update(part.split("}")[0].split(".")[0] for part in text.split("${")[1:])
    return names


def resources(template, kind):
    return {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def container(template, definition):
    return template["Resources"][definition]["Properties"]["ContainerDefinitions"][0]

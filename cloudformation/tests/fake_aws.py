"""A stand-in for AWS on loopback: moto's server, with the few things mended that this flow needs.

Prints its address, then serves until its standard input is closed.
"""

import sys

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.parsing import ResourceMap
from moto.core.common_models import CloudFormationModel
from moto.core.utils import pascal_to_camelcase, remap_nested_keys
from moto.ec2.models import EC2Backend
from moto.ecs import models as ecs
from moto.server import ThreadedMotoServer
from moto.servicediscovery.models import servicediscovery_backends


def keep_new_task_definitions():
    """moto stores an updated definition with keys as a template spells them, so that nothing of it is
    found, and lets its services keep the old one."""
    update = ecs.TaskDefinition.update_from_cloudformation_json.__func__

    def mended(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
        properties = cloudformation_json["Properties"]
        for key in ("ContainerDefinitions", "Volumes"):
            properties[key] = remap_nested_keys(properties.get(key, []), pascal_to_camelcase)
        new = update(
            cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
        )
        backend = ecs.ecs_backends[account_id][region_name]
        for service in backend.services.values():
            if service.task_definition == original_resource.arn:
                service.task_definition = new.arn
        return new

    ecs.TaskDefinition.update_from_cloudformation_json = classmethod(mended)


def update_as_aws_does():
    """A previous value may be a template's default; an update that changes nothing is refused, and leaves
    alone what only names a parameter that keeps its value."""

    def known(stack):
        return {
            key: ",".join(value) if isinstance(value, list) else str(value)
            for key, value in stack.stack_parameters.items()
        }

    def resolve(self, instance, incoming_params):
        return {
            parameter["ParameterKey"]: known(instance)[parameter["ParameterKey"]]
            if parameter.get("UsePreviousValue")
            else parameter["ParameterValue"]
            for parameter in incoming_params
        }

    CloudFormationBackend._resolve_update_parameters = resolve
    update = CloudFormationBackend.update_stack

    def mended(self, name, template, parameters, **others):
        stack = self.get_stack(name)
        if template == stack.template and known(stack).items() >= resolve(self, stack, parameters).items():
            raise ValidationError(name, "No updates are to be performed.")
        return update(self, name=name, template=template, parameters=parameters, **others)

    CloudFormationBackend.update_stack = mended

    difference = ResourceMap.build_resource_diff

    def can_be_updated(resource):
        """Not one that a condition leaves out, nor one that moto would replace by nothing."""
        update = getattr(resource, "update_from_cloudformation_json", None)
        return update is not None and not hasattr(update, "__isabstractmethod__")

    def those_that_can_be(self, template, parameters=None):
        before = {key: str(value) for key, value in self.resolved_parameters.items()}
        changed = {key: value for key, value in (parameters or {}).items() if before.get(key) != value}
        names = difference(self, template, changed)
        names["Modify"] = [n for n in names["Modify"] if can_be_updated(self._parsed_resources.get(n))]
        return names

    ResourceMap.build_resource_diff = those_that_can_be


def delete_what_stacks_leave():
    """Services and route tables stay when moto deletes their stack."""

    def delete_service(self, account_id, region_name):
        ecs.ecs_backends[account_id][region_name].delete_service(self.cluster_name, self.name, force=True)

    ecs.Service.delete = delete_service
    delete_vpc = EC2Backend.delete_vpc

    def mended(self, vpc_id):
        for table in self.describe_route_tables(filters={"vpc-id": vpc_id}):
            if table.main_association_id is None:
                self.route_tables.pop(table.id)
        return delete_vpc(self, vpc_id)

    EC2Backend.delete_vpc = mended


class Discovered:
    """What moto has of Cloud Map, but not as a resource of a stack."""

    def __init__(self, thing):
        self.thing = thing

    @property
    def physical_resource_id(self):
        return self.thing.id

    @classmethod
    def has_cfn_attr(cls, attr):
        return attr in ("Arn", "Id")

    def get_cfn_attribute(self, attribute_name):
        return self.thing.arn if attribute_name == "Arn" else self.thing.id

    @staticmethod
    def cloudformation_name_type():
        return ""

    @staticmethod
    def cloudformation_type():
        return "Test::Discovered"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
    ):
        backend = servicediscovery_backends[account_id][region_name]
        return cls(cls.make(backend, resource_name, cloudformation_json["Properties"]))

    @classmethod
    def update_from_cloudformation_json(cls, original_resource, **kwargs):
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name, cloudformation_json, account_id, region_name
    ):
        cls.remove(servicediscovery_backends[account_id][region_name], resource_name)


class Namespace(Discovered, CloudFormationModel):
    __module__ = "moto.servicediscovery.models"  # by which moto tells services apart

    @staticmethod
    def cloudformation_type():
        return "AWS::ServiceDiscovery::PrivateDnsNamespace"

    @staticmethod
    def make(backend, resource_name, properties):
        backend.create_private_dns_namespace(
            properties["Name"], resource_name, "", properties["Vpc"], [], {}
        )
        return list(backend.namespaces.values())[-1]

    @staticmethod
    def remove(backend, resource_name):
        backend.delete_namespace(resource_name)


class DiscoveryService(Discovered, CloudFormationModel):
    __module__ = "moto.servicediscovery.models"  # by which moto tells services apart

    @staticmethod
    def cloudformation_type():
        return "AWS::ServiceDiscovery::Service"

    @staticmethod
    def make(backend, resource_name, properties):
        return backend.create_service(
            properties["Name"], properties["NamespaceId"], resource_name, "", properties["DnsConfig"],
            {}, properties["HealthCheckCustomConfig"], [], "DNS",
        )  # fmt: skip

    @staticmethod
    def remove(backend, resource_name):
        backend.delete_service(resource_name)


if __name__ == "__main__":
    keep_new_task_definitions()
    update_as_aws_does()
    delete_what_stacks_leave()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    print(f"http://{host}:{port}", flush=True)
    sys.stdin.read()
    server.stop()

"""The templates keep the names, parameters and exports that people's commands use, and have none of
the faults that such stacks are known for."""

import json
import pathlib
import re
import subprocess
import sys

import pytest
from conftest import ROOT
from templates import FOLDER, NAMES, container, load, path_of, referenced, resources, walk

TOOLS = pathlib.Path(sys.executable).parent
REF_REGION = {"Ref": "AWS::Region"}


@pytest.fixture(scope="module")
def vpc():
    return load("vpc")


@pytest.fixture(scope="module")
def ecs():
    return load("ecs")


@pytest.fixture(scope="module")
def tests():
    return load("ecs-tests")


@pytest.fixture(scope="module")
def route53():
    return load("route53")


@pytest.fixture(params=NAMES)
def template(request):
    return load(request.param)


def exports(template):
    return {
        output["Export"]["Name"]["Fn::Sub"]
        for output in template["Outputs"].values()
        if "Export" in output
    }


def security_group(template, name):
    return template["Resources"][name]["Properties"]


# --- what people's commands rely on ---------------------------------------------------------------


@pytest.mark.parametrize(
    "name, parameters",
    [
        ("vpc", "App Az1 Az2"),
        (
            "ecs",
            "App ContainerName ContainerPort Region VpcStack TaskCount TaskCpu TaskMemory Image",
        ),
        (
            "ecs-tests",
            "App ContainerName ContainerPort VpcStack ECSStack Image MasterTaskCount TaskCount "
            "MasterCpu MasterMemory SlaveCpu SlaveMemory MasterIp LoadBalancerDNSName Region",
        ),
    ],
)
def test_known_parameters_are_still_taken(name, parameters):
    assert set(parameters.split()) <= set(load(name)["Parameters"])


def test_known_names_and_defaults(ecs, tests):
    values = {
        (name, parameter): template["Parameters"][parameter]["Default"]
        for name, template in (("ecs", ecs), ("tests", tests))
        for parameter in ("App", "ContainerPort", "VpcStack", "TaskCount")
    }
    assert values == {
        ("ecs", "App"): "djangoscaling",
        ("ecs", "ContainerPort"): 8000,
        ("ecs", "VpcStack"): "django-scaling-vpc",
        ("ecs", "TaskCount"): 0,
        ("tests", "App"): "djangoscalingtests",
        ("tests", "ContainerPort"): 8000,
        ("tests", "VpcStack"): "django-scaling-vpc",
        ("tests", "TaskCount"): 0,
    }
    assert tests["Parameters"]["ECSStack"]["Default"] == "django-scaling-ecs"
    assert ecs["Parameters"]["ContainerName"]["Default"] == "django-scaling-app"
    names = [
        service["Properties"]["ServiceName"]
        for template in (ecs, tests)
        for service in resources(template, "AWS::ECS::Service").values()
    ]
    assert names == [
        "django-scaling-service",
        "django-scaling-tests-master-service",
        "django-scaling-tests-slave-service",
    ]
    families = [
        definition["Properties"]["Family"]
        for template in (ecs, tests)
        for definition in resources(template, "AWS::ECS::TaskDefinition").values()
    ]
    assert families == [
        "task-definition-cfn",
        "task-definition-tests-master",
        "task-definition-tests-slave",
    ]


def test_exports(vpc, ecs):
    assert exports(vpc) >= {
        f"${{AWS::StackName}}-{name}"
        for name in ("VpcId", "PublicSubnet1", "PublicSubnet2", "PublicSubnet3", "PublicSubnet4")
    }
    assert "${AWS::StackName}-LoadBalancerDNSName" in exports(ecs)
    url = ecs["Outputs"]["LoadBalancerDNSName"]["Value"]
    assert url == {"Fn::Sub": "http://${LoadBalancer.DNSName}"}


def test_what_keeps_these_templates_off_stacks_of_the_original(vpc, ecs, tests):
    """docs/deploy.md says so, and that its stacks keep their own templates."""
    assert "**Do not put them over running stacks**" in (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    # Without the fixed name it is another load balancer, with another address.
    assert "Name" not in ecs["Resources"]["LoadBalancer"]["Properties"]
    imported = {value["Fn::Sub"] for path, value in walk(tests) if path[-1:] == ("Fn::ImportValue",)}
    assert "${VpcStack}-VpcCidr" in imported and "${AWS::StackName}-VpcCidr" in exports(vpc)


def test_commands_of_master_and_workers(tests):
    master = container(tests, "MasterTaskDefinition")
    assert master["EntryPoint"] == ["locust"]
    assert master["Command"] == [
        "-f", {"Ref": "Locustfile"}, "--master", "--web-port", {"Ref": "ContainerPort"},
    ]  # fmt: skip
    worker = container(tests, "WorkerTaskDefinition")
    assert "EntryPoint" not in worker
    assert worker["Command"][:2] == ["locust", "-f"]
    assert worker["Command"][3:5] == ["--worker", "--master-host"]
    assert tests["Parameters"]["Locustfile"]["Default"] == "test_sample.py"


# --- every template -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_no_default_points_at_somebody(name):
    parameters = load(name)["Parameters"]
    for parameter, value in parameters.items():
        default = str(value.get("Default", ""))
        assert not re.search(r"\d{12}|amazonaws|https?://|\b(eu|us|ap|sa|ca|af|me)-", default), parameter
        if parameter not in ("IngressCidr",):
            assert not re.search(r"\d+\.\d+\.\d+\.\d+", default), parameter
    if name in ("ecs", "ecs-tests"):
        assert "Default" not in parameters["Image"]
        assert parameters["Image"]["MinLength"] == 1


def test_every_parameter_and_condition_is_used(template):
    used = referenced({key: template[key] for key in template if key != "Parameters"})
    assert set(template["Parameters"]) <= used
    conditions = {value[0] for path, value in walk(template) if path[-1:] == ("Fn::If",)}
    conditions |= {r["Condition"] for r in template["Resources"].values() if "Condition" in r}
    assert set(template.get("Conditions", {})) == conditions


def test_nothing_is_hard_wired_to_a_region_or_account(template):
    text = json.dumps(template["Resources"])
    assert not re.search(r"(eu|us|ap|sa|ca)-[a-z]+-\d", text)
    assert not re.search(r"\d{12}", text)


def test_imports_are_in_the_form_every_tool_reads():
    for name in NAMES:
        assert "!ImportValue" not in path_of(name).read_text(encoding="utf-8")


def test_only_public_names_are_fixed(template):
    """A fixed name stops a second stack in the region, and an update that has to replace."""
    for name, resource in template["Resources"].items():
        fixed = {"GroupName", "RoleName", "LogGroupName"} & set(resource["Properties"])
        assert not fixed, name
        if resource["Type"].startswith("AWS::ElasticLoadBalancingV2"):
            assert "Name" not in resource["Properties"], name


def test_roles_may_do_only_what_ecs_needs(ecs, tests):
    for template in (ecs, tests):
        roles = resources(template, "AWS::IAM::Role")
        assert set(roles) == {"ExecutionRole", "TaskRole"}
        for role in roles.values():
            properties = role["Properties"]
            assert "Policies" not in properties
            (statement,) = properties["AssumeRolePolicyDocument"]["Statement"]
            assert statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
            condition = statement["Condition"]["StringEquals"]
            assert condition == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert "ManagedPolicyArns" not in roles["TaskRole"]["Properties"]
        (policy,) = roles["ExecutionRole"]["Properties"]["ManagedPolicyArns"]
        assert policy["Fn::Sub"].endswith(":policy/service-role/AmazonECSTaskExecutionRolePolicy")


def test_roles_are_named_by_arn(ecs, tests):
    for template in (ecs, tests):
        for definition in resources(template, "AWS::ECS::TaskDefinition").values():
            properties = definition["Properties"]
            assert properties["ExecutionRoleArn"] == {"Fn::GetAtt": ["ExecutionRole", "Arn"]}
            assert properties["TaskRoleArn"] == {"Fn::GetAtt": ["TaskRole", "Arn"]}


def test_containers_are_hardened(ecs, tests):
    for template in (ecs, tests):
        for name, definition in resources(template, "AWS::ECS::TaskDefinition").items():
            (one,) = definition["Properties"]["ContainerDefinitions"]
            assert one["User"] == "10001:10001", name
            assert one["ReadonlyRootFilesystem"] is True, name
            assert one["StopTimeout"] == 60, name
            assert one["LinuxParameters"] == {"InitProcessEnabled": True}, name
            assert {"Name": "nofile", "SoftLimit": 65535, "HardLimit": 65535} in one["Ulimits"]
            platform = definition["Properties"]["RuntimePlatform"]
            assert platform["CpuArchitecture"] == {"Ref": "CpuArchitecture"}, name
            assert one["Image"] == {"Ref": "Image"} or "Fn::If" in one["Image"]
            assert "Entrypoint" not in one, name
            assert "show-config" not in json.dumps(one), name


def test_logs_go_to_the_stack_s_own_region_and_stay(ecs, tests):
    for template in (ecs, tests):
        for definition in resources(template, "AWS::ECS::TaskDefinition").values():
            for one in definition["Properties"]["ContainerDefinitions"]:
                assert one["LogConfiguration"]["Options"]["awslogs-region"] == REF_REGION
        (group,) = resources(template, "AWS::Logs::LogGroup").values()
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        assert template["Parameters"]["LogRetentionDays"]["Default"] >= 7


def test_a_bad_image_ends_the_update(ecs, tests):
    for template in (ecs, tests):
        for service in resources(template, "AWS::ECS::Service").values():
            configuration = service["Properties"]["DeploymentConfiguration"]
            assert configuration["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}


def test_a_schedule_can_stop_every_service(ecs, tests):
    for template in (ecs, tests):
        stopped = set()
        for target in resources(template, "AWS::ApplicationAutoScaling::ScalableTarget").values():
            assert target["Condition"] == "HasStopSchedule"
            stopped |= referenced(target["Properties"]["ResourceId"])
            (action,) = target["Properties"]["ScheduledActions"]
            assert action["ScalableTargetAction"] == {"MinCapacity": 0, "MaxCapacity": 0}
        assert set(resources(template, "AWS::ECS::Service")) <= stopped
        assert template["Parameters"]["StopSchedule"]["Default"] == ""


# --- network --------------------------------------------------------------------------------------


def test_zones_default_to_the_stack_s_region(vpc):
    assert vpc["Parameters"]["Az1"]["Default"] == vpc["Parameters"]["Az2"]["Default"] == ""
    zones = [s["Properties"]["AvailabilityZone"] for s in resources(vpc, "AWS::EC2::Subnet").values()]
    for index, zone in enumerate(zones):
        parameter = f"Az{index % 2 + 1}"
        assert zone == {
            "Fn::If": [
                f"Has{parameter}",
                {"Ref": parameter},
                {"Fn::Select": [index % 2, {"Fn::GetAZs": ""}]},
            ]
        }


def test_regions_can_have_different_networks(vpc):
    assert "${NetOctet}" in vpc["Resources"]["Vpc"]["Properties"]["CidrBlock"]["Fn::Sub"]
    blocks = [s["Properties"]["CidrBlock"]["Fn::Sub"] for s in resources(vpc, "AWS::EC2::Subnet").values()]
    assert blocks == [f"10.${{NetOctet}}.{n}.0/24" for n in (1, 2, 3, 4)]


def test_no_instance_gets_a_public_address_by_itself(vpc):
    for subnet in resources(vpc, "AWS::EC2::Subnet").values():
        assert subnet["Properties"]["MapPublicIpOnLaunch"] is False


# --- the application ------------------------------------------------------------------------------


def test_container_name_and_port_are_used_everywhere(ecs):
    one = container(ecs, "TaskDefinition")
    assert one["Name"] == {"Ref": "ContainerName"}
    assert one["PortMappings"][0]["ContainerPort"] == {"Ref": "ContainerPort"}
    environment = {entry["Name"]: entry["Value"] for entry in one["Environment"]}
    assert environment["TARGET_PORT"] == {"Ref": "ContainerPort"}
    (balancer,) = ecs["Resources"]["ECSService"]["Properties"]["LoadBalancers"]
    assert balancer["ContainerName"] == {"Ref": "ContainerName"}
    assert balancer["ContainerPort"] == {"Ref": "ContainerPort"}
    assert ecs["Resources"]["TargetGroup"]["Properties"]["Port"] == {"Ref": "ContainerPort"}


def test_tasks_are_reached_through_the_load_balancer_only(ecs):
    (rule,) = security_group(ecs, "ECSSecurityGroup")["SecurityGroupIngress"]
    assert "CidrIp" not in rule
    assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": ["LoadBalancerSecurityGroup", "GroupId"]}
    assert rule["FromPort"] == rule["ToPort"] == {"Ref": "ContainerPort"}


def test_load_balancer_opens_no_port_without_listener(ecs):
    rules = security_group(ecs, "LoadBalancerSecurityGroup")["SecurityGroupIngress"]
    assert [(rule["FromPort"], rule["ToPort"]) for rule in rules] == [(80, 80)]
    https = ecs["Resources"]["LoadBalancerHttpsIngress"]
    listener = ecs["Resources"]["LoadBalancerHttpsListener"]
    assert https["Condition"] == listener["Condition"] == "HasCertificate"
    assert https["Properties"]["FromPort"] == listener["Properties"]["Port"] == 443
    assert "TLS13" in listener["Properties"]["SslPolicy"]


def test_load_balancer_attributes(ecs):
    choice = ecs["Resources"]["LoadBalancer"]["Properties"]["LoadBalancerAttributes"]["Fn::If"]
    assert choice[0] == "HasAccessLogs"
    for attributes in choice[1:]:
        values = {entry["Key"]: entry["Value"] for entry in attributes}
        assert values["routing.http.drop_invalid_header_fields.enabled"] == "true"
        assert values["idle_timeout.timeout_seconds"] == "60"
    logged = {entry["Key"]: entry["Value"] for entry in choice[1]}
    assert logged["access_logs.s3.bucket"] == {"Ref": "AccessLogsBucket"}


def test_a_task_serves_soon_and_leaves_soon(ecs):
    group = ecs["Resources"]["TargetGroup"]["Properties"]
    assert group["HealthCheckPath"] == {"Ref": "HealthCheckPath"}
    assert group["HealthCheckIntervalSeconds"] * group["HealthyThresholdCount"] <= 30
    assert group["HealthCheckTimeoutSeconds"] < group["HealthCheckIntervalSeconds"]
    (attribute,) = group["TargetGroupAttributes"]
    assert attribute == {"Key": "deregistration_delay.timeout_seconds", "Value": "30"}
    assert ecs["Resources"]["ECSService"]["Properties"]["HealthCheckGracePeriodSeconds"] == 30


def test_outputs_of_the_application(ecs):
    assert ecs["Outputs"]["LoadBalancerHost"]["Value"] == {"Fn::GetAtt": ["LoadBalancer", "DNSName"]}
    assert {"ClusterName", "ServiceName", "LoadBalancerZoneId", "LogGroup"} <= set(ecs["Outputs"])


# --- the load test --------------------------------------------------------------------------------


def test_nobody_else_is_obeyed_or_tested(tests):
    assert tests["Parameters"]["MasterIp"]["Default"] == ""
    assert tests["Parameters"]["LoadBalancerDNSName"]["Default"] == ""
    for definition in ("MasterTaskDefinition", "WorkerTaskDefinition"):
        one = container(tests, definition)
        environment = {entry["Name"]: entry["Value"] for entry in one["Environment"]}
        assert environment["API_URL"] == {
            "Fn::If": [
                "HasTarget",
                {"Ref": "LoadBalancerDNSName"},
                {"Fn::ImportValue": {"Fn::Sub": "${ECSStack}-LoadBalancerDNSName"}},
            ]
        }


def test_a_target_is_a_url_without_a_path(tests):
    pattern = re.compile(tests["Parameters"]["LoadBalancerDNSName"]["AllowedPattern"])
    for good in ("", "http://a.example.com", "https://a.example.com:8443"):
        assert pattern.search(good), good
    for bad in ("a.example.com", "http://a.example.com/", "http://http://a", "ftp://a"):
        assert not pattern.search(bad), bad


def test_master_and_workers_have_groups_of_their_own(tests):
    assert "SecurityGroupIngress" not in security_group(tests, "WorkerSecurityGroup")
    workers, web = security_group(tests, "MasterSecurityGroup")["SecurityGroupIngress"]
    assert workers["FromPort"] == workers["ToPort"] == 5557
    assert workers["SourceSecurityGroupId"] == {"Fn::GetAtt": ["WorkerSecurityGroup", "GroupId"]}
    assert web["FromPort"] == {"Ref": "ContainerPort"}
    outside = tests["Resources"]["WebIngress"]
    assert outside["Condition"] == "HasWebCidr"
    assert outside["Properties"]["FromPort"] == {"Ref": "ContainerPort"}
    for path, value in walk(tests):
        if value == "0.0.0.0/0":
            assert "SecurityGroupEgress" in path
    assert "5558" not in json.dumps(tests)


def test_the_web_interface_is_never_open_to_everybody(tests):
    pattern = re.compile(tests["Parameters"]["WebCidr"]["AllowedPattern"])
    for good in ("", "203.0.113.7/32", "10.0.0.0/8"):
        assert pattern.search(good), good
    for bad in ("0.0.0.0/0", "203.0.113.7", "everybody"):
        assert not pattern.search(bad), bad


def test_workers_reach_targets_on_any_port(tests):
    (rule,) = security_group(tests, "WorkerSecurityGroup")["SecurityGroupEgress"]
    assert rule["IpProtocol"] == "-1"


def test_there_is_never_a_second_master(tests):
    count = tests["Parameters"]["MasterTaskCount"]
    assert (count["MinValue"], count["MaxValue"]) == (0, 1)
    assert count["Default"] == 1  # an update that does not name it leaves the master alone
    configuration = tests["Resources"]["ECSService"]["Properties"]["DeploymentConfiguration"]
    assert (configuration["MinimumHealthyPercent"], configuration["MaximumPercent"]) == (0, 100)
    for service in resources(tests, "AWS::ECS::Service").values():
        assert service["Properties"]["AvailabilityZoneRebalancing"] == "DISABLED"


def test_workers_find_a_new_master_by_name(tests):
    command = container(tests, "WorkerTaskDefinition")["Command"]
    assert command[-1] == {
        "Fn::If": ["HasMasterIp", {"Ref": "MasterIp"}, {"Fn::Sub": "master.${Namespace}"}]
    }
    discovery = tests["Resources"]["MasterDiscovery"]["Properties"]
    assert discovery["Name"] == "master"
    assert discovery["DnsConfig"]["DnsRecords"] == [{"Type": "A", "TTL": 5}]
    registries = tests["Resources"]["ECSService"]["Properties"]["ServiceRegistries"]
    assert registries["Fn::If"][0] == "Discover"
    assert tests["Parameters"]["UseServiceDiscovery"]["Default"] == "true"


def test_workers_are_fit_for_load_and_open_nothing(tests):
    worker = container(tests, "WorkerTaskDefinition")
    assert "PortMappings" not in worker
    assert worker["SystemControls"] == [
        {"Namespace": "net.ipv4.ip_local_port_range", "Value": "1024 65535"},
        {"Namespace": "net.ipv4.tcp_tw_reuse", "Value": "1"},
    ]


def test_a_stop_has_time_for_running_tasks(tests):
    highest = tests["Parameters"]["StopTimeout"]["MaxValue"]
    for definition in ("MasterTaskDefinition", "WorkerTaskDefinition"):
        one = container(tests, definition)
        assert {"Name": "LOCUST_STOP_TIMEOUT", "Value": {"Ref": "StopTimeout"}} in one["Environment"]
        assert highest + 10 < one["StopTimeout"] <= 120  # the most that Fargate allows


def test_master_is_checked_at_its_own_port(tests):
    master = container(tests, "MasterTaskDefinition")
    assert master["Name"] == {"Fn::Sub": "${ContainerName}-master"}
    ports = [mapping["ContainerPort"] for mapping in master["PortMappings"]]
    assert ports == [{"Ref": "ContainerPort"}, 5557]
    assert "127.0.0.1:${ContainerPort}/" in master["HealthCheck"]["Command"][-1]["Fn::Sub"]


def test_outputs_of_the_load_test(tests):
    wanted = {"ClusterName", "MasterServiceName", "WorkerServiceName", "MasterHost", "WebPort", "LogGroup"}
    assert wanted <= set(tests["Outputs"])


# --- names ----------------------------------------------------------------------------------------


def test_weighted_records(route53):
    first, second = resources(route53, "AWS::Route53::RecordSet").values()
    for number, record in ((1, first), (2, second)):
        properties = record["Properties"]
        assert properties["Weight"] == {"Ref": f"Weight{number}"}
        assert properties["ResourceRecords"] == [{"Ref": f"Host{number}"}]
        assert properties["HealthCheckId"] == {"Ref": f"HealthCheck{number}"}
        assert properties["SetIdentifier"] == f"region{number}"
    assert route53["Parameters"]["Ttl"]["Default"] <= 10
    pattern = route53["Parameters"]["Host1"]["AllowedPattern"]
    assert re.search(pattern, "lb-1.elb.example.com")
    assert not re.search(pattern, "http://lb-1.elb.example.com")


# --- checkers -------------------------------------------------------------------------------------


def test_cfn_lint_finds_nothing():
    done = subprocess.run(
        [str(TOOLS / "cfn-lint"), "--include-checks", "I", "--", *(str(path_of(n)) for n in NAMES)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_checkov_finds_only_what_is_explained():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `(CKV2?_AWS_\d+)` \| `([\w-]+\.yml)` \|", readme, re.MULTILINE))
    files = [part for name in NAMES for part in ("--file", str(path_of(name)))]
    done = subprocess.run(
        [str(TOOLS / "checkov"), "--framework", "cloudformation", "--output", "json", "--soft-fail",
         "--skip-download", *files],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    results = json.loads(done.stdout)["results"]
    assert results["parsing_errors"] == []
    assert len(results["passed_checks"]) > 50
    found = {(check["check_id"], pathlib.Path(check["file_path"]).name) for check in results["failed_checks"]}
    assert found == explained

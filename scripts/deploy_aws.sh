#!/usr/bin/env bash
# Builds one of the images, tags it and pushes it to a repository.
set -euo pipefail
# shellcheck source=scripts/lib/aws.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/aws.sh"

image='' platform=linux/amd64 words=() build_arguments=() wait_minutes=120

usage() {
  cat <<END_OF_TEXT
usage: scripts/deploy_aws.sh [OPTION...] REPOSITORY VERSION

Builds an image of this project and pushes it as REPOSITORY:VERSION. For a repository of Amazon ECR it
logs in first. Take a new VERSION each time: a tag that is pushed again is another program by the same name.

  --image NAME        target, worker or worker-native: docker/NAME.Dockerfile. Default: target for a
                      repository called djangoscaling, worker for djangoscalingtests
  --platform NAME     linux/amd64 (default; CpuArchitecture X86_64) or linux/arm64 (ARM64)
  --build-arg K=V     given to docker build; may be repeated
  --wait-minutes N    limit for the build, and for the push (default $wait_minutes)
  --dry-run           print the commands, run nothing
END_OF_TEXT
}

while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --dry-run) dry_run=1 ;;
    --image) need_value "$1" $# && image=$2 && shift ;;
    --platform) need_value "$1" $# && platform=$2 && shift ;;
    --wait-minutes) need_value "$1" $# && wait_minutes=$2 && shift ;;
    --build-arg) need_value "$1" $# && build_arguments+=(--build-arg "$2") && shift ;;
    -*) die "Unknown option $1." "see ${0##*/} --help" ;;
    *) words+=("$1") ;;
  esac
  shift
done
[[ ${#words[@]} -eq 2 ]] || die "It takes a REPOSITORY and a VERSION, not ${#words[@]} words." "see ${0##*/} --help"
need_number --wait-minutes "$wait_minutes" 1 1440
repository=${words[0]} version=${words[1]}
[[ $repository =~ ^[a-z0-9][A-Za-z0-9._/:-]*$ ]] ||
  die "'$repository' is not a repository." "aws ecr create-repository prints it as repositoryUri"
need_version "$version"
if [[ -z $image ]]; then
  case $repository in
    */djangoscalingtests | djangoscalingtests) image=worker ;;
    */djangoscaling | djangoscaling) image=target ;;
    *) die "Which image is for $repository?" "add --image target, --image worker or --image worker-native" ;;
  esac
fi
dockerfile=$ROOT/docker/$image.Dockerfile
[[ $image =~ ^[a-z-]+$ && -f $dockerfile ]] || die "There is no image '$image'." "see ${0##*/} --help"
[[ $platform == linux/amd64 || $platform == linux/arm64 ]] ||
  die "--platform must be linux/amd64 or linux/arm64, not '$platform'." "see ${0##*/} --help"
registry=${repository%%/*} registry_region=''
if [[ $registry =~ ^[0-9]{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$ ]]; then
  registry_region=${BASH_REMATCH[1]}
fi

run() {  # run WHAT NEXT_STEP COMMAND...
  local what=$1 next=$2 code=0
  shift 2
  if [[ $dry_run ]]; then
    show_command "$@"
    return
  fi
  limited "$((wait_minutes * 60))" "$@" || code=$?
  [[ $code != 124 ]] || die "$what: $1 $2 has not ended within $wait_minutes minutes." \
    "look at the network and at Docker, or give it longer with --wait-minutes"
  [[ $code == 0 ]] || die "$what." "$next"
}

if [[ ! $dry_run ]]; then
  need_tool docker "install Docker"
  limited "$call_seconds" docker info >/dev/null 2>&1 ||
    die "Docker's command is there, but no engine answers it." "start Docker"
  if [[ $registry_region ]]; then
    need_aws
    need_account "$registry_region"
  fi
fi
run "The image could not be built, and nothing was pushed" "cure what docker build says above" \
  docker build --platform "$platform" ${build_arguments[@]+"${build_arguments[@]}"} \
  --file "$dockerfile" --tag "$repository:$version" "$ROOT"
made+=("image $repository:$version, on this machine")
if [[ $registry_region ]]; then
  if [[ $dry_run ]]; then
    say "aws ecr get-login-password --region $registry_region | docker login --username AWS --password-stdin $registry"
  else
    if ! { ask "$registry_region" ecr get-login-password &&
      limited "$call_seconds" docker login --username AWS --password-stdin "$registry" >/dev/null <<<"$answer"; }; then
      die "$registry refused the login; the image is built but not pushed." "check the account and the rights for ECR"
    fi
  fi
fi
run "The image was built but not pushed" "create the repository first, or take a new version if the tag exists" \
  docker push "$repository:$version"
say "$repository:$version"

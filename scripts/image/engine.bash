#!/usr/bin/env bash
# What the scripts that are about the container image ask of its engine; they source it.
# Sets `engine` to buildah, docker or podman, whichever is found first. CONTAINER_ENGINE names
# another order.

engine=
for candidate in ${CONTAINER_ENGINE:-buildah docker podman}; do
  if command -v "$candidate" >/dev/null; then engine=$candidate; break; fi
done
[ -n "$engine" ] || { echo "$0: no buildah, docker or podman" >&2; exit 1; }
if [ "$engine" = buildah ]; then
  # Without a user namespace or a registry: see the base images' own notes.
  export STORAGE_DRIVER=${STORAGE_DRIVER:-vfs} BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot}
fi

# Prints an image's digest (empty if it was never in a registry), labels and uncompressed layers as
# JSON; fails if the image is not here.
inspect_image() {
  case "$engine" in
    buildah)
      buildah inspect --type image "$1" | jq '{
        digest: .FromImageDigest, labels: (.OCIv1.config.Labels // {}),
        layers: .OCIv1.rootfs.diff_ids}'
      ;;
    *)
      "$engine" image inspect "$1" | jq '.[0] | {
        digest: ((.RepoDigests // [])[0] // "" | split("@")[1] // ""),
        labels: (.Config.Labels // {}), layers: .RootFS.Layers}'
      ;;
  esac
}

# Runs a command in a container of buildah.
# usage: run_in_container CONTAINER [OPTION…] -- COMMAND [ARGUMENT…]
#   OPTION   for `buildah run`
# In a chroot, buildah 1.28 loses now and then what a command has written that ends at once, so the
# command writes into files.
run_in_container() {
  local container=$1 options=() output status=0
  shift
  while [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  shift
  output=$(mktemp -d)
  chmod 777 "$output"
  # shellcheck disable=SC2016 # for the shell in the container
  buildah run "${options[@]}" --volume "$output:/run/output" "$container" -- \
    sh -c 'exec "$@" >/run/output/stdout 2>/run/output/stderr' sh "$@" || status=$?
  cat "$output/stderr" >&2
  cat "$output/stdout"
  rm -rf "$output" 2>/dev/null || true
  return "$status"
}

# Runs a shell command as root in a new container of an image.
run_in_image() {
  local scratch status=0
  case "$engine" in
    buildah)
      scratch=$(buildah from --pull-never "$1")
      run_in_container "$scratch" --user 0:0 -- sh -c "$2" || status=$?
      buildah rm "$scratch" >/dev/null
      return "$status"
      ;;
    *) "$engine" run --rm --user 0:0 --entrypoint sh "$1" -c "$2" ;;
  esac
}

# Prints the name of an image by its digest, after fetching it if it is not here. An image that was
# made on this machine may have none and keeps its name.
pinned_image() {
  local digest
  inspect_image "$1" >/dev/null 2>&1 || "$engine" pull "$1" >&2
  digest=$(inspect_image "$1" | jq --raw-output .digest)
  if [ -z "$digest" ] || [[ $1 == *@* ]]; then
    echo "$1"
  else
    echo "${1%:*}@$digest"
  fi
}

#!/usr/bin/env bash
# Makes the folder that a Palette pack registry takes, from the chart: build.sh IMAGE FOLDER
#
# IMAGE is where the image was pushed, without a tag. HELM names the helm to package the chart with, if not the tests' own.
set -euo pipefail
cd "$(dirname "$0")/.."

image=${1:-}
out=${2:-}
if [ -z "$image" ] || [ -z "$out" ]; then
  echo 'palette: say where the image is, as in: make palette-pack IMAGE=registry.example.com/bindguard' >&2
  exit 2
fi
# It goes into texts below, and a tag is the version's.
if ! [[ $image =~ ^[a-z0-9][a-z0-9._:/-]*$ ]] || [[ ${image##*/} == *:* ]]; then
  echo "palette: \"$image\" is no name of an image without its tag" >&2
  exit 2
fi
helm=${HELM:-$(tests/control-plane/build.sh)/helm}

chart=charts/bindguard
version=$(sed -n 's/^version: //p' $chart/Chart.yaml)
kubernetes=$(sed -n 's/^kubeVersion: ">=\([0-9.]*\)-0"$/\1/p' $chart/Chart.yaml)
pack=$out/bindguard-$version
rm -rf "$pack"
mkdir -p "$pack/charts"

"$helm" package $chart --destination "$pack/charts" >/dev/null
cp palette/logo.png "$pack/logo.png"
for file in pack.json schema.yaml README.md; do
  sed -e "s|@VERSION@|$version|g" -e "s|@IMAGE@|$image|g" -e "s|@KUBERNETES@|$kubernetes|g" "palette/$file" > "$pack/$file"
done

# The chart's values a level deeper, with where the image is. Palette chooses the release's name, so objects get theirs here.
{
  cat <<END
pack:
  # Where everything of bindguard is. Keep it to itself: whoever may write Secrets there is in effect a cluster administrator.
  namespace: bindguard
  content:
    images:
      - image: $image:$version

charts:
  bindguard:
END
  sed -e '1,/^$/d' \
    -e "s|^  repository: bindguard\$|  repository: $image|" \
    -e 's|^fullnameOverride: ""$|fullnameOverride: bindguard|' \
    -e 's|^\(.\)|    \1|' $chart/values.yaml
} > "$pack/values.yaml"

# One preset: its name, the name that people see, the group of which one can be chosen, what is taken out first, and on
# standard input the values that are then put in.
preset() {
  printf '  - name: %s\n    displayName: %s\n    group: %s\n    remove: [%s]\n    add: |\n' "$1" "$2" "$3" "$4"
  printf '      charts:\n        bindguard:\n'
  sed -e '/^#/d' -e 's|^|          |'
}

# A list that is put in may be joined with the one that is there, so that one is taken out.
personas=charts.bindguard.policy.personas
{
  echo 'presets:'
  preset enforce Enforce policy $personas < $chart/presets/enforce.yaml
  preset roll-out 'Roll out' policy $personas < $chart/presets/roll-out.yaml
  preset warn-only 'Warn only' policy $personas < $chart/presets/warn-only.yaml
  preset provision-on-request 'Provision on request' provisioning '' <<'END'
policy:
  provisioning:
    mode: OnRequest
END
  preset provision-nothing 'Provision nothing' provisioning '' <<'END'
policy:
  provisioning:
    mode: Disabled
END
} > "$pack/presets.yaml"

printf '%s\n' "$pack"

#!/usr/bin/env bash
# Checks deploy/kubernetes and deploy/systemd without a cluster and without a running systemd:
#
#   schemas     each manifest against the published schemas of the oldest and the newest Kubernetes (kubernetes-validate, PyPI)
#   manifests   that they fit each other and the product's settings (scripts/check-manifests.py)
#   kustomize   that `kubectl kustomize` builds both directories, and that the result still fits the schemas
#   prometheus  the scrape configuration (promtool)
#   systemd     the units (`systemd-analyze verify`), and their exposure (`systemd-analyze security`)
#
#   scripts/check-deploy.sh [--checkov]
#
# --checkov adds the rules of checkov (PyPI, a hundred packages). Exits 75 if a tool could not be had and nothing else failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

KUBERNETES_VALIDATE=1.37.0
PYYAML=6.0.3
CHECKOV=3.3.30
# deploy/kubernetes/README.md names the oldest one.
KUBERNETES_OLDEST=1.27
KUBERNETES_NEWEST=1.37
# In tenths. They are 1.4 and 1.2 with systemd 252; each version weighs a little differently.
EXPOSURE_SERVER=20
EXPOSURE_MIGRATION=20
SKIPPED=75

checkov=''
case ${1:-} in
    '') ;;
    --checkov) checkov=1 ;;
    *) echo "loadmaster: scripts/check-deploy.sh does not know $1" >&2 && exit 2 ;;
esac

# Prometheus belongs to the programs of the tests.
# shellcheck disable=SC2034  # read by the script that is sourced
SETUP_FOR_TESTS=1 SETUP_FOR_DEPLOY=${SETUP_FOR_DEPLOY:-1}
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

TOOLS=${CARGO_TARGET_DIR:-target}/deploy-tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
left_out=0

leave_out() {
    left_out=1
    echo "*** SKIPPED: $1 ***"
}

fails() {
    failed=1
    echo "FAILED: $1"
}

# Installs into a directory of its own beside the build, once per version.
tools_install() { # name package==version...
    local dir=$TOOLS/$1 limit=()
    shift
    if [[ -e $dir/installed && $(<"$dir/installed") == "$*" ]]; then return 0; fi
    rm -rf "$dir"
    if command -v timeout >/dev/null; then limit=(timeout 300); fi
    python3 -m venv "$dir" &&
        ${limit[@]+"${limit[@]}"} "$dir/bin/pip" install --quiet --disable-pip-version-check "$@" &&
        echo "$*" >"$dir/installed"
}

check_schemas() { # file...
    local version status=0
    for version in "$KUBERNETES_OLDEST" "$KUBERNETES_NEWEST"; do
        "$TOOLS/validate/bin/kubernetes-validate" --kubernetes-version "$version" --strict --quiet "$@" || status=$?
    done
    return "$status"
}

check_kubernetes() {
    local dir name built manifests=()
    if ! tools_install validate "kubernetes-validate==$KUBERNETES_VALIDATE" "PyYAML==$PYYAML"; then
        leave_out "kubernetes-validate cannot be installed from PyPI. NOTHING is known about the manifests."
        return
    fi
    while IFS= read -r name; do manifests+=("$name"); done \
        < <(find deploy/kubernetes -name '*.yaml' ! -name kustomization.yaml | sort)
    check_schemas "${manifests[@]}" || fails "schemas"
    "$TOOLS/validate/bin/python" scripts/check-manifests.py || fails "manifests"

    if ! command -v kubectl >/dev/null; then
        leave_out "kubectl is not installed: the kustomizations were not built."
        return
    fi
    for dir in deploy/kubernetes deploy/kubernetes/migrate; do
        built=$work/$(basename "$dir").yaml
        if ! kubectl kustomize "$dir" >"$built"; then
            fails "kustomize $dir"
            continue
        fi
        check_schemas "$built" || fails "schemas of $dir as built"
        # The tag and the registry are filled in.
        if grep -E '^ *(- )?image: loadmaster$' "$built"; then fails "kustomize $dir replaces no image"; fi
    done
    if [[ -n $checkov ]]; then check_with_checkov; fi
}

# Left out: limits on processor time (deployment.yaml says why), and digests and pull policies, which are the user's choice.
check_with_checkov() {
    if ! tools_install checkov "checkov==$CHECKOV"; then
        leave_out "checkov cannot be installed from PyPI."
        return
    fi
    "$TOOLS/checkov/bin/checkov" --directory "$work" --framework kubernetes --skip-check CKV_K8S_11,CKV_K8S_15,CKV_K8S_43 \
        --compact --quiet --skip-download || fails "checkov"
}

check_prometheus() {
    if ! command -v promtool >/dev/null; then
        leave_out "promtool is not installed: the scrape configuration was not checked."
        return
    fi
    # Debian builds Prometheus without the discovery of Kubernetes: the rest is checked with another one.
    awk '/kubernetes_sd_configs:/ { print "    file_sd_configs: [{ files: [pods.json] }]"; inside = 1; next }
         inside && /^    [a-z]/ { inside = 0 }
         !inside' deploy/kubernetes/monitoring/scrape-config.yml >"$work/prometheus.yml"
    echo '[]' >"$work/pods.json"
    promtool check config "$work/prometheus.yml" >"$work/promtool.log" 2>&1 || { cat "$work/promtool.log" && fails "scrape-config.yml"; }
}

check_unit() { # unit exposure
    local exposure
    systemd-analyze --no-pager verify "$work/$1" 2>"$work/verify.log" || true
    # Also warnings, such as an unknown setting, with which `verify` exits 0.
    if [[ -s $work/verify.log ]]; then
        cat "$work/verify.log"
        fails "$1: verify"
    fi
    exposure=$(systemd-analyze --no-pager security --offline=true --threshold="$2" "$work/$1" | tail -n 1) || fails "$1: exposure above $2 tenths"
    echo "$exposure"
}

check_systemd() {
    local unit
    if ! command -v systemd-analyze >/dev/null; then
        leave_out "systemd-analyze is not installed. NOTHING is known about the units."
        return
    fi
    # The program need not be installed here.
    for unit in deploy/systemd/*.service; do
        sed 's,/usr/local/bin/loadmaster,/bin/true,' "$unit" >"$work/${unit##*/}"
    done
    check_unit loadmaster.service "$EXPOSURE_SERVER"
    check_unit loadmaster-migrate.service "$EXPOSURE_MIGRATION"
}

check_kubernetes
check_prometheus
check_systemd
if ((failed)); then exit 1; fi
if ((left_out)); then exit "$SKIPPED"; fi
echo "deploy: passed"

#!/usr/bin/env bash
# Hands a certificate to the nginx of docker-compose.production.yml, which uses it for new connections at once. certbot runs this
# after each renewal as a deploy hook, and then sets RENEWED_LINEAGE. docs/certificates.md describes it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
    cat <<'USAGE'
Usage: deploy/nginx/install-certificate.sh [DIRECTORY]

Checks DIRECTORY/fullchain.pem and DIRECTORY/privkey.pem, copies them into SECRETS_DIR of .env, and makes nginx read them. If nginx
refuses them, the former ones are put back. Without DIRECTORY it takes that of RENEWED_LINEAGE, which certbot sets.
USAGE
}

complain() {
    echo "loadmaster: $1" >&2
    exit 1
}

case ${1:-} in
    -h | --help) usage && exit 0 ;;
esac
from=${1:-${RENEWED_LINEAGE:-}}
if [[ -z $from ]]; then usage >&2 && exit 2; fi
if [[ -z ${SECRETS_DIR:-} && -r .env ]]; then SECRETS_DIR=$(sed -n 's/^SECRETS_DIR=//p' .env | tail -n 1); fi
[[ -n ${SECRETS_DIR:-} ]] || complain 'SECRETS_DIR is not set, also not in .env'
[[ -d $SECRETS_DIR ]] || complain "there is no directory $SECRETS_DIR"

openssl x509 -noout -checkend 0 -in "$from/fullchain.pem" >/dev/null || complain "$from/fullchain.pem is no certificate, or has expired"
if [[ $(openssl x509 -noout -pubkey -in "$from/fullchain.pem") != $(openssl pkey -pubout -in "$from/privkey.pem" 2>/dev/null) ]]; then
    complain "$from/privkey.pem is not the key of $from/fullchain.pem"
fi

former=$(mktemp -d)
trap 'rm -rf "$former"' EXIT

# In place: a container mounts the file itself, so that a file that replaces it would not be seen.
write() { # file secret
    cat "$1" >"$SECRETS_DIR/$2"
    chmod 644 "$SECRETS_DIR/$2"
}

for name in tls_certificate tls_key; do
    [[ ! -e $SECRETS_DIR/$name ]] || cp "$SECRETS_DIR/$name" "$former/$name"
done
write "$from/fullchain.pem" tls_certificate
write "$from/privkey.pem" tls_key
if [[ -z $(docker compose ps --quiet --status running nginx) ]]; then
    echo "loadmaster: the certificate is in $SECRETS_DIR; nginx does not run, and reads it when it starts"
    exit 0
fi
if ! docker compose exec -T nginx nginx -q -t; then
    for name in tls_certificate tls_key; do
        [[ ! -e $former/$name ]] || write "$former/$name" "$name"
    done
    complain 'nginx refuses the certificate; the former one stays in use'
fi
docker compose exec -T nginx nginx -s reload
echo "loadmaster: nginx uses the certificate of $from, valid until $(openssl x509 -noout -enddate -in "$from/fullchain.pem" | cut -d= -f2)"

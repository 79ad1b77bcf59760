#!/bin/sh
# Tests of a script that speaks the classic Harvest API, against a fake of it.
set -eu

# The script under test; yours stands elsewhere, and has the address of the API in its settings.
# It adds a client, and asks again where the service is busy.
add_client() { # base document
    curl -sS --fail --retry 2 -o /dev/null -H 'Content-Type: application/xml' --data "$2" "$1/clients"
}

# Starts a fake on a free port. The line it says when it listens ends with its address; where it does
# not start it says none, and `read` ends this script.
work=$(mktemp -d)
mkfifo "$work/said"
echo '<client><name>SuprCorp</name></client>' >"$work/clients.xml"
clientstore serve --memory --listen 127.0.0.1:0 --control --quiet --seed "$work/clients.xml" >"$work/said" &
server=$!
trap 'kill "$server" 2>/dev/null && wait "$server" || :; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
read -r _ _ url <"$work/said"

# Calls a control path; fails with what the server says is wrong.
control() { # method path [body]
    curl -sS --fail-with-body -X "$1" --data "${3-}" "$url/_clientstore/$2" >"$work/answer" ||
        { cat "$work/answer" >&2 && exit 1; }
}

# Begins a test: with the records of --seed, an empty journal and no faults.
begin() { # what is tested
    echo "$1"
    control POST reset
}

expect() { # expected found
    [ "$1" = "$2" ] || { echo "expected: $1, found: $2" >&2 && exit 1; }
}

control GET health

begin 'a client is added beside those there are'
add_client "$url" '<client><name>Company LLC</name></client>'
expect '  <name>Company LLC</name>' "$(curl -sS "$url/clients/2" | grep '<name>')"
control POST journal/verify '{"method": "POST", "path": "/clients", "count": 1}'

begin 'nothing is left of the test before'
expect 1 "$(curl -sS "$url/clients" | grep -c '<client>')"

begin 'a program that speaks JSON finds the same records'
expect 201 "$(curl -sS -o "$work/answer" -w '%{http_code}' "$url/clients.json" \
    -H 'Content-Type: application/json' --data '{"client":{"name":"Company LLC"}}')"
expect '"name":"Company LLC"' "$(curl -sS -H 'Accept: application/json' "$url/clients/2" | grep -o '"name":"[^"]*"')"
control POST journal/verify '{"method": "POST", "body": {"name": "Company LLC"}, "count": 1}'

begin 'a busy service is asked again'
control PUT faults '{"rules": [{"method": "POST", "times": 1, "answer": {"status": 503}}]}'
add_client "$url" '<client><name>Company LLC</name></client>'
control POST journal/verify '{"method": "POST", "body": {"name": "Company LLC"}, "count": 2}'

echo 'all passed'

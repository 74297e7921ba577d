# What dump.sh and restore.sh share: makes $database, a URL for libpq, of A2A_DATABASE_URL. Sourced, not run.

# Holds the keys that sign cards and seal what webhooks carry: nobody else reads what is written.
umask 077

fail() {
    echo "$(basename "$0"): $1" >&2
    exit 1
}

case "${A2A_DATABASE_URL:-}" in
    postgres://* | postgresql://*) database=$A2A_DATABASE_URL ;;
    *) fail "A2A_DATABASE_URL has to be a postgres:// URL" ;;
esac

# A password in an argument would be seen by everyone on this machine; a variable is this user's.
if [[ $database =~ ^(postgres(ql)?://[^:/@]*):([^@]*)@(.*)$ ]]; then
    export PGPASSWORD
    PGPASSWORD=$(printf '%b' "${BASH_REMATCH[3]//%/\\x}")
    database="${BASH_REMATCH[1]}@${BASH_REMATCH[4]}"
fi

# Of the parameters, those that libpq knows; others are the server's own.
parameters=
if [[ $database == *\?* ]]; then
    IFS='&' read -ra given <<<"${database#*\?}"
    database=${database%%\?*}
    for parameter in "${given[@]}"; do
        case "$parameter" in
            # `aws rds generate-db-auth-token` makes one.
            iam=true) [ -n "${PGPASSWORD:-}" ] || fail "A2A_DATABASE_URL has iam=true: put a token into PGPASSWORD" ;;
            sslmode=* | sslrootcert=* | sslcert=* | sslkey=* | host=* | port=* | user=* | options=* | application_name=*) parameters+="&$parameter" ;;
            ssl-mode=*) parameters+="&sslmode=${parameter#*=}" ;;
            ssl-root-cert=*) parameters+="&sslrootcert=${parameter#*=}" ;;
            password=*) fail "A2A_DATABASE_URL has its password as a parameter: put it before the @" ;;
        esac
    done
    database+="${parameters/#&/?}"
fi

# As the server does: names and certificates of RDS are checked.
if [[ $database =~ \.rds\.amazonaws\.com(:[0-9]+)?(/|$) ]]; then
    export PGSSLMODE=${PGSSLMODE:-verify-full}
    export PGSSLROOTCERT=${PGSSLROOTCERT:-$(dirname "${BASH_SOURCE[0]}")/../rds-global-bundle.pem}
fi

# Building and starting the gateway for `make run`, `make test` and `make demo`. Sourced after lib.sh.

# A checkout listens on loopback until somebody says otherwise: make run EMGATE_ADDRESS=0.0.0.0
loopback=127.0.0.1
! grep -qs '^0\{31\}1 ' /proc/net/if_inet6 || loopback+=,::1
export EMGATE_ADDRESS=${EMGATE_ADDRESS:-$loopback}
profile=${PROFILE:-dev}
profile_folder=$profile
[ "$profile" != dev ] || profile_folder=debug
emgate=${CARGO_TARGET_DIR:-$root/target}/$profile_folder/emgate

# A dev build starts sooner (about two minutes from nothing on two cores, the optimised one takes twice that), and its own
# cryptography and database crates are optimised anyway.
build_gateway() {
  say "building emgate (profile $profile)"
  (cd "$root" && cargo build --locked --profile "$profile" --bin emgate) || die "the build did not finish, see above"
}

# Starts the embedded broker in a process of its own; sets KAFKA_BOOTSTRAP.
start_embedded_broker() {
  local dir=$run_dir/broker pid tries=100
  mkdir -p "$dir"
  pid=$(cat "$run_dir/broker.pid" 2>/dev/null || true)
  broker_started=
  if ! runs_as "$pid" "emgate broker"; then
    rm -f "$dir/broker.address"
    setsid "$emgate" broker --state-dir "$dir" </dev/null >"$dir/broker.log" 2>&1 9>&- &
    pid=$!
    broker_started=$pid
    echo "$pid" >"$run_dir/broker.pid"
  fi
  until [ -s "$dir/broker.address" ]; do
    [ -d "/proc/$pid" ] && [ $((tries--)) -gt 0 ] || { tail -3 "$dir/broker.log" >&2; die "the embedded broker did not start, see $dir/broker.log"; }
    sleep 0.1
  done
  export KAFKA_BOOTSTRAP
  KAFKA_BOOTSTRAP=$(cat "$dir/broker.address")
}

# Waits until the gateway of process $1 answers that it is ready on admin port $2.
await_ready() {
  local tries=600
  until curl -fsS -o /dev/null "http://127.0.0.1:$2/health/ready" 2>/dev/null; do
    [ -d "/proc/$1" ] && [ $((tries--)) -gt 0 ] || return 1
    sleep 0.1
  done
}

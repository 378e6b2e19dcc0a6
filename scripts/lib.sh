# Shared by the scripts beside it: messages, ports, and "is that pid still ours". Sourced, never run.
# Needs bash, coreutils and util-linux, which every Debian has; nothing else.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
run_dir=${EMGATE_RUN_DIR:-$root/.run}
case $run_dir in /*) ;; *) run_dir=$root/$run_dir ;; esac

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
warn() { printf '\033[33m==> warning:\033[0m %s\n' "$*" >&2; }
die() { printf '\033[31m==> error:\033[0m %s\n' "$*" >&2; exit 1; }
if [ ! -t 2 ]; then
  say() { printf '==> %s\n' "$*" >&2; }
  warn() { printf '==> warning: %s\n' "$*" >&2; }
  die() { printf '==> error: %s\n' "$*" >&2; exit 1; }
fi

# Whether anything accepts connections on a loopback port.
port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A loopback port nobody listens on, below the range that the kernel hands out to clients.
free_port() {
  local port
  while :; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
    port_open "$port" || { echo "$port"; return; }
  done
}

# The port remembered in file $1 while it is free, else a new one, remembered.
remembered_port() {
  local port=
  [ -s "$1" ] && port=$(cat "$1")
  if [ -z "$port" ] || port_open "$port"; then
    port=$(free_port)
    echo "$port" >"$1"
  fi
  echo "$port"
}

# Random text for a secret.
random_hex() { head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

# Whether process $1 lives and its command line holds $2: a pid file may outlive its process, and pids come round again.
runs_as() { [ -n "$1" ] && [ -r "/proc/$1/cmdline" ] && tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -qF -- "$2"; }

# Waits until process $1 is gone, $2 seconds at most.
wait_gone() {
  local tries=$(($2 * 20))
  while [ -d "/proc/$1" ] && [ "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -c1)" != Z ]; do
    [ $((tries--)) -gt 0 ] || return 1
    sleep 0.05
  done
}

# Asks process $1 to end, which one that is frozen does when it goes on, and after $2 seconds makes it.
end_process() {
  kill "$1" 2>/dev/null || return 0
  kill -CONT "$1" 2>/dev/null || true
  wait_gone "$1" "$2" && return 0
  kill -9 "$1" 2>/dev/null || true
  wait_gone "$1" 5
}

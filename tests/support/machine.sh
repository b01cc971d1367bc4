# What stands in for a machine of its own where commands of the documentation are run: bash functions for what needs
# root, another machine or systemd. Everything else is the real thing. ROOT is what / is on that machine; WORLD holds all.

useradd() { :; }
usermod() { :; }
chown() { :; }
journalctl() { cat "$ROOT"/*.log; }

# ownership needs root
install() {
  local rest=()
  while [ $# -gt 0 ]; do
    case "$1" in -o | -g) shift 2 ;; *) rest+=("$1"); shift ;; esac
  done
  command install "${rest[@]}"
}

# to root@ADDRESS:PATH, with paths inside of text files made those of that machine
scp() {
  local to="${*: -1}" from=("${@:1:$#-1}")
  local machine="$WORLD/$(cat "$WORLD/by-address/$(sed 's/.*@//; s/:.*//' <<<"$to")")"
  local path="${to#*:}"
  path="${path#"$ROOT"}"
  for file in "${from[@]}"; do
    local target="$machine/${path:-root/$(basename "$file")}"
    case "$file" in
      dist/mir) ln -sf "$(realpath "$file")" "$target" ;;
      *) sed "s#$PATHS#\\1$machine\\2#g" "$file" >"$target" ;;
    esac
  done
}

# what systemd would do with the unit that has been installed
systemctl() {
  local unit="${*: -1}"
  local name="${unit#mir@}"
  case "$1 $unit" in
    "daemon-reload "*) ;;
    "restart nginx") web ;;
    "enable mir@"*) runs "$name" || start "$name" ;;
    "restart mir@"*) stop "$name" && start "$name" ;;
    "stop mir@"*) stop "$name" ;;
    "start mir@"*) start "$name" ;;
    "reload mir@*") for one in "$ROOT"/*-1.pid; do kill -HUP "$(cat "$one")"; done ;;
    "reload mir@"*) kill -HUP "$(cat "$ROOT/$name.pid")" ;;
    "is-active mir@"*) runs "$name" && echo active ;;
    *) echo "systemctl $*: tests/support/machine.sh has nothing for it" >&2; return 1 ;;
  esac
}

runs() {
  [ -f "$ROOT/$1.pid" ] && kill -0 "$(cat "$ROOT/$1.pid")" 2>/dev/null
}

start() {
  local line
  line="$(sed -n 's/^ExecStart=//p' "$ROOT/etc/systemd/system/mir@.service")"
  line="${line//%i/$1}"
  line="${line//%d/$ROOT/etc/mir}"
  # nobody balances load here who would have to look first
  line="$line --drain-grace 0"
  : >"$ROOT/$1.out"
  # shellcheck disable=SC2086
  (cd / && exec $line) >"$ROOT/$1.out" 2>>"$ROOT/$1.log" </dev/null &
  echo $! >"$ROOT/$1.pid"
  until grep -qx ready "$ROOT/$1.out"; do
    runs "$1" || { cat "$ROOT/$1.log" >&2; return 1; }
    sleep 0.05
  done
}

stop() {
  kill -TERM "$(cat "$ROOT/$1.pid")"
  while runs "$1"; do sleep 0.05; done
}

# nginx itself, with the configuration that has been installed: only what belongs to a machine as a whole is another
nginx() {
  local conf="$ROOT/etc/nginx/nginx.conf" here="$ROOT/nginx" kind user=""
  mkdir -p "$here"
  [ "$(id -u)" = 0 ] && user="user root root;"
  {
    echo "pid $here/nginx.pid; $user"
    sed -e '/^user /d' -e 's/^worker_processes.*/worker_processes 1;/' -e '/^worker_rlimit_nofile/d' \
      -e 's/worker_connections 65536/worker_connections 512/' \
      -e "s/listen \\([0-9]*\\);/listen $ADDRESS:\\1;/" \
      -e "s#^http {#http {$(for kind in client_body proxy fastcgi uwsgi scgi; do
        printf ' %s_temp_path %s;' "$kind" "$here/$kind"
      done)#" "$conf"
  } >"$here/nginx.conf"
  PATH="$PATH:/usr/sbin:/usr/local/sbin" command nginx -p "$here" -e error.log -c "$here/nginx.conf" "$@"
}

web() {
  [ ! -s "$ROOT/nginx/nginx.pid" ] || nginx -s stop
  nginx
  cp "$ROOT/nginx/nginx.pid" "$ROOT/nginx-main.pid" 2>/dev/null || true
}

# Waits until the process that started it is gone, however it ended, and then ends what is left of its servers and
# removes their folder. The pipe on standard input closes when that process ends: nobody has to be told.
# $1 is the folder; $2 is "keep" or "remove". A process is ended only if its command line names the folder, so that
# an id that was given to another process meanwhile is left alone; a process that has ended has no command line.
dir=$1
runs() { tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -qF "$dir/"; }

while read -r _; do :; done

# The API server before etcd: without etcd it would not end of itself.
for server in kube-controller-manager kube-apiserver etcd; do
  pid=$(cat "$dir/$server.pid" 2>/dev/null) || continue
  tries=100
  while runs "$pid" && [ $tries -gt 0 ]; do
    kill -KILL "$pid" 2>/dev/null
    sleep 0.02
    tries=$((tries - 1))
  done
done
[ "$2" = keep ] || rm -rf "$dir" || { sleep 0.5; rm -rf "$dir"; }

"""End a process with everything it started."""

import psutil

PATIENCE = 3  # seconds to end by itself


def end_tree(pid):
    """Terminate, then kill, the process and all its descendants (a kernel has a session of its own)."""
    try:
        root = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    tree = [*root.children(recursive=True), root]
    _each(tree, psutil.Process.terminate)
    _, alive = psutil.wait_procs(tree, timeout=PATIENCE)
    _each(alive, psutil.Process.kill)
    psutil.wait_procs(alive, timeout=PATIENCE)


def _each(processes, action):
    for process in processes:
        try:
            action(process)
        except psutil.NoSuchProcess:
            continue

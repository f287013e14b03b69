"""``python -m pagestatus.ctl`` is ``pagestatus-ctl``."""

from pagestatus.ctl import main

main()

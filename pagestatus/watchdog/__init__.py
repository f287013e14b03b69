"""The watchdog: ends what hangs, so that supervisord starts it again."""

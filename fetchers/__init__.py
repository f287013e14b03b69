"""The fetchers: a pool of processes, each of which makes attempts and measures them. They decide nothing."""

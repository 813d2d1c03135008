"""The experiments: campaigns of migrations, measured at the hosts and in the switches."""

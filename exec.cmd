@rem The scripts start with `exec`, so that signals reach Node and not a shell. cmd has no exec: this is it.
@%*

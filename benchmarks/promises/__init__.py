"""The promises about keys, each as the drill that measures it."""

"""The one supervised loop and what it is made of: settings, batches, losses, optimisers."""

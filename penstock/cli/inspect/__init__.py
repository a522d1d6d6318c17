"""What `penstock inspect` finds in files, without running anything of them."""

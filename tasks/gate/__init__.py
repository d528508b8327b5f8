"""The verdict on a challenger, a person's answer to it, and what an auditor keeps."""

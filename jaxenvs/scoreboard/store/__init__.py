"""What a scoreboard keeps: people and their keys, uploads, submissions, attempts at verifying them, reviews."""

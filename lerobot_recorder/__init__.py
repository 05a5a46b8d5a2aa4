"""From topics or bags to LeRobot v3.0 datasets: synchronizer, episode session, dataset writer."""

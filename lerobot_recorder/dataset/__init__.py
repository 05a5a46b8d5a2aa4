"""LeRobot v3.0 datasets, written, read, checked and mended without torch and without lerobot.

::

    dataset_writer -> running_episode -> video_writer, image_writer, journal     being recorded
                   -> state -> statistics, parquet_writer -> commit              being saved
    dataset_reader, validate, repair (prefix, cut, recover)                      on the disk
    compact, transcode, edits/ -> renewal, folder_swap, folder_links              made anew
    info, schema, tasks, episodes, record, layout                                what files hold
    durable, work_folder                                                         how they survive
"""

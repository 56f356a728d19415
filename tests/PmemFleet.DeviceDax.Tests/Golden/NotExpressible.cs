namespace PmemFleet.DeviceDax.Tests.Golden;

/// <summary>What of the recording the engine doesn't say, by row and member, with the reason.</summary>
internal static class NotExpressible
{
    private const string StackPages = "faults of the test program's own stack and data are counted with it";
    private const string Bytes = "the engine maps memory, it holds no bytes; the worker's media store does";
    private const string StaleTlb = "Linux 6.1 cleared a 'bad' PMD without a TLB flush: the recorded CPU went on with the stale entry";
    private const string Ram = "the recorded machine had less RAM than the mapping would need, if it were of RAM; the simulated one has enough";
    private const string Rebind = "Linux 6.1's refcount defect: the old descriptor came back to life after rebind (spec 50 section 9 says ENXIO)";
    private const string PageFlags = "pagemap's other bits aren't modelled";

    public static IReadOnlyDictionary<string, string> None { get; } = new Dictionary<string, string>();

    public static IReadOnlyDictionary<string, string> Special { get; } = new Dictionary<string, string>
    {
        ["*/touch_all_read:secs"] = "time",
        ["*/touch_all_write:secs"] = "time",
        ["*/touch_all_read:minflt"] = "one fault more, of the clock's page",
        ["*/fork_child:rd.minflt"] = StackPages,
        ["*/fork_child_after_DONTFORK:rd.minflt"] = StackPages,
        ["*/fork_parent_sees:byte1"] = Bytes,
        ["*/pagemap:filepage"] = PageFlags,
        ["*/pagemap:softdirty"] = PageFlags,
        ["*/pagemap:exclusive"] = PageFlags,
        ["g_1G.special/touch_all_read:majflt"] = "a page of the recording program, read from its file",
        ["g_1G.special/mmap_extra:r"] = Ram,
        ["g_1G.special/mprotect_RW_to_R:rd.minflt"] = StaleTlb,
        ["g_1G.special/mprotect_RW_to_R:wr"] = StaleTlb,
        ["g_1G.special/mprotect_to_NONE:rd"] = StaleTlb,
        ["g_1G.special/mprotect_back_RW:wr.minflt"] = StaleTlb,
        ["g_2M.special/madvise/COLD:touch.minflt"] = StaleTlb,
        ["g_2M.special/madvise/PAGEOUT:touch.minflt"] = StaleTlb,
        ["g_2M.special/madvise/POPULATE_READ:smaps.Private_Dirty"] = StaleTlb,
    };

    public static IReadOnlyDictionary<string, string> Unbind { get; } = new Dictionary<string, string>
    {
        ["*/mmap_old_fd_after_rebind:r"] = Rebind,
        ["*/value_after_rebind:row"] = Bytes,
        ["g_1G.unbind/unbind_while_mapped:rd_after.minflt"] = StackPages,
    };
}

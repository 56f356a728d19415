using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Nvdimm.Model;

/// <summary>Refusals that several commands share, with Linux's texts.</summary>
internal static class Refuse
{
    public static Refusal NoDevice(string kind, string name) =>
        new Refusal(Errno.ENXIO, $"no-such-{kind}", "No such device or address").About(kind);

    public static Refusal Active(PmemNamespace device) =>
        new(Errno.EBUSY, "namespace-active", $"{device.Name} is bound or claimed: Device or resource busy");

    public static Refusal Pending(PmemNamespace device) =>
        new(Errno.EBUSY, "bind-pending", $"{device.Name}: a bind is under way: Device or resource busy");

    public static Refusal NeedsForce(PmemNamespace device) =>
        new Refusal(Errno.EBUSY, "force-required", $"{device.Name} is active, specify --force for re-configuration").About("force");

    public static Refusal Mounted(PmemNamespace device) =>
        new(Errno.EBUSY, "namespace-in-use", $"{device.Name}: Device or resource busy");

    public static Refusal NoLabelArea(Dimm dimm) =>
        new(Errno.ENOTTY, "no-label-area", $"{dimm.Name} has no label storage area");

    /// <summary>The exit status of ndctl where it is not the errno of the message (golden INDEX).</summary>
    public static Refusal Exits(this Refusal refusal, Errno errno) => refusal.With("exitErrno", (int)errno);
}

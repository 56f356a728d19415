using PmemFleet.DeviceDax.Devices;

namespace PmemFleet.Worker.Hosts;

/// <summary>Pins that clients hold, by number: what a driver of the host keeps from get_user_pages. A process's pins go with it.</summary>
internal sealed class UserPins
{
    private readonly Dictionary<int, (int Pid, GupPin Pin)> _pins;
    private readonly bool _isRehearsal;
    private int _last;

    public UserPins()
        : this([], 0, isRehearsal: false)
    {
    }

    private UserPins(Dictionary<int, (int Pid, GupPin Pin)> pins, int last, bool isRehearsal) => (_pins, _last, _isRehearsal) = (pins, last, isRehearsal);

    /// <summary>The same pins for a rehearsal: to put one there lets go of nothing.</summary>
    public UserPins Rehearsed() => new(new(_pins), _last, isRehearsal: true);

    public int Add(int pid, GupPin pin)
    {
        _pins.Add(++_last, (pid, pin));
        return _last;
    }

    /// <summary>False where the process holds no such pin.</summary>
    public bool Put(int pid, int number)
    {
        if (!_pins.TryGetValue(number, out var held) || held.Pid != pid)
        {
            return false;
        }

        _pins.Remove(number);
        if (!_isRehearsal)
        {
            held.Pin.Dispose();
        }

        return true;
    }

    /// <summary>The process is gone.</summary>
    public void PutAll(int pid)
    {
        foreach (var (number, _) in _pins.Where(pin => pin.Value.Pid == pid).ToList())
        {
            Put(pid, number);
        }
    }
}
